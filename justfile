# Recipes for those who have `just`; each is one command that can be typed instead.

# everything that the gate checks
ci:
    bash .ci/run

# every test
test *args:
    tests/run {{args}}

# a week of simulated conversations, loaded and reported on
demo:
    cargo run -- demo

# formatting and lints
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# the rendering that a test holds against schemas/conversations.json
schema:
    cargo run -- schema --format markdown > schemas/conversations.md
