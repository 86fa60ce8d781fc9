"""Signatures agree with what others computed."""

from retailhub.sandbox.signing import RotatingSecret, shopify_signature, standard_signature


def test_standard_webhooks_known_answer() -> None:
    signature = standard_signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_shopify_signs_with_the_secret_as_text() -> None:
    # printf '{"id":1}' | openssl dgst -sha256 -hmac hush -binary | base64
    assert shopify_signature("hush", b'{"id":1}') == "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="


def test_the_former_secret_counts_for_as_long_as_it_was_given() -> None:
    secret = RotatingSecret("old")

    secret.rotate("new", 60)
    assert (secret.current, secret.still_former()) == ("new", "old")
    secret.rotate("newer", 0)
    assert (secret.current, secret.still_former()) == ("newer", None)
