// Everything the console adds to plain pages. Each module stands alone; pages work without any.
import "./morph.js";
import "./theme.js";
import "./clock.js";
import "./copy.js";
import "./forms.js";
import "./live.js";
import "./list.js";
import "./pane.js";
import "./keys.js";
import "./palette.js";
