"""One seller's account at a marketplace that speaks Amazon's Selling Partner API."""
