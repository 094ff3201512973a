# Two commands to begin with: `make demo` shows Signboard at work, `make test` proves it.

UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
RUN := $(UV) run --locked --all-extras --no-sync
PORT ?= 8000
SEED ?= $(shell date +%s)

.PHONY: demo up test test-postgresql check format bench soak

demo: .venv/ready
	SIGNBOARD_DATA=$${SIGNBOARD_DATA:-data/demo} $(RUN) python manage.py demo --port $(PORT)

up: .venv/ready
	$(RUN) python manage.py up --port $(PORT)

test: .venv/ready
	$(RUN) pytest -n 2 --dist worksteal

test-postgresql: .venv/ready
	$(RUN) python -m tests.simulators.servers pytest -n 2 --dist worksteal -q tests/registries tests/trust tests/dashboard

check: .venv/ready
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	SIGNBOARD_SECRET_KEY=check SIGNBOARD_DATABASE_URL=sqlite://:memory: $(RUN) python manage.py makemigrations --check --dry-run
	$(RUN) pytest -q tests/test_vendored.py tests/test_house.py

format: .venv/ready
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench: .venv/ready
	$(RUN) python -m benchmarks.fleet
	$(RUN) python -m benchmarks.indexing
	$(RUN) python -m benchmarks.verification

soak: .venv/ready
	@echo "seed $(SEED)"
	SIGNBOARD_SOAK_SEED=$(SEED) $(RUN) pytest -m soak -s

.venv/ready: pyproject.toml uv.lock .python-version | $(if $(filter .uv/bin/uv,$(UV)),.uv/bin/uv)
	$(UV) sync --locked --all-extras
	touch $@

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv
