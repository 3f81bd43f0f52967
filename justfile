# Recipes for those who have `just`; each is one command that can be typed instead.

# everything that the gate checks
ci:
    bash .ci/run

# every test
test *args:
    tests/run {{args}}

# ten thousand loads under readings of the API by chance, seconds each; READINGS=0..500 tries other seeds
readings:
    cargo test --test it -- --ignored --exact readings::a_load_is_whole_under_ten_thousand_readings_by_chance --nocapture

# what loads cost in requests under each reading: makes docs/request-ratios.md
ratios:
    cargo test --lib -- --ignored --exact source::reading::table::request_ratios

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

# what the tests did to the program: makes the sections of docs/reliability.md
reliability:
    RELIABILITY=write tests/run --test it -- --show-output

# a minute of fuzzing for each target, or so many seconds
fuzz seconds="60":
    tests/fuzz {{seconds}}

# licences, sources, bans and known faults of what is built in
deny:
    cargo deny check

# measures beside peers, hours for all: makes the tables of docs/performance.md; `just bench start replay` measures some
bench *args:
    benches/run {{args}}
