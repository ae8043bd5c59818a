"""`merchant qr`: every command does what its help says, without a database, and its exit status tells the truth."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import qr
from merchant.cli.main import cli
from merchant.cli.qr import qr_commands
from qr.symbols import reading
from tests.qr.posters.samples import mark
from tests.qr.symbols.pictures import of_pdf, of_png, of_svg, of_text, texts

SHOP = (
    "--domain",
    "pay.example.org",
    "--identifier",
    "52318764",
    "--name",
    "Mama Njeri Shop",
    "--city",
    "Nairobi",
    "--country",
    "KE",
    "--currency",
    "KES",
    "--mcc",
    "5411",
)
PAYLOAD = qr.encode(
    qr.mojaloop_code(
        domain="pay.example.org",
        identifier="52318764",
        name="Mama Njeri Shop",
        city="Nairobi",
        country="KE",
        currency="KES",
        mcc="5411",
    ),
    profile="mojaloop",
)
VIETQR = qr.find_profile("vietqr").golden[0].payload  # without category, name and city, as its scheme wants it
assert isinstance(qr_commands, click.Group)


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["qr", *arguments], input=stdin, prog_name="merchant")


def done(*arguments: str, stdin: str | bytes | None = None) -> str:
    """What a command that succeeds prints."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("command", sorted(qr_commands.commands))
def test_every_command_explains_itself_and_its_options(command: str) -> None:
    told = done(command, "--help")
    assert told.startswith(f"Usage: merchant qr {command}")
    options = [one for one in qr_commands.commands[command].params if isinstance(one, click.Option)]
    assert all(one.help for one in options)


def test_it_needs_no_database_and_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    told = subprocess.run(
        [sys.executable, "-m", "merchant", "qr", "explain", PAYLOAD],
        env={"MERCHANT_DATA_DIR": str(data), "MERCHANT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Mama Njeri Shop" in told.stdout
    assert not data.exists()


class TestEncode:
    def test_a_counters_values_become_its_payload(self) -> None:
        assert done("encode", *SHOP) == f"{PAYLOAD}\n"

    def test_what_decode_prints_goes_back_in(self) -> None:
        for payload, profile in ((PAYLOAD, "mojaloop"), (VIETQR, "vietqr")):
            as_json = done("decode", payload, "--profile", profile)
            again = done("encode", "--json", "-", "--profile", profile, stdin=as_json).strip()
            assert qr.decode(again, profile=profile) == qr.decode(payload, profile=profile)

    def test_an_amount_needs_its_reference(self) -> None:
        refused = run("encode", *SHOP, "--amount", "250")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "62.05" in refused.stderr
        dynamic = done("encode", *SHOP, "--amount", "250", "--reference-label", "K7Q2M9XA").strip()
        assert qr.decode(dynamic).amount == "250.00"

    def test_a_name_keeps_its_own_script(self) -> None:
        named = [*SHOP[:5], "ဆန်ဆိုင်", *SHOP[6:], "--local-language", "my", "--sticker-version", "2"]
        code = qr.decode(done("encode", *named).strip())
        assert code.language is not None
        assert (code.language.name, qr.sticker_version(code)) == ("ဆန်ဆိုင်", 2)

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            ((), 2),
            (SHOP[:-2], 2),
            ((*SHOP[:-1], "grocery"), 1),
            ((*SHOP, "--profile", "nothing"), 1),
            ((*SHOP, "--profile", "/nowhere/mine.toml"), 1),
            ((*SHOP, "--profile", "tanqr"), 1),
            (("--json", "-", "--name", "X"), 2),
            (("--json", "/nowhere/code.json"), 2),
            ((*SHOP, "--sticker-version", "two"), 2),
        ],
    )
    def test_what_is_no_code_has_no_payload(self, arguments: tuple[str, ...], status: int) -> None:
        refused = run("encode", *arguments, stdin="{}")
        assert (refused.exit_code, refused.stdout) == (status, "")
        assert refused.stderr

    @pytest.mark.parametrize("key", ["accounts", "additional", "language", "tip", "unreserved"])
    def test_a_misspelt_key_anywhere_is_named(self, key: str) -> None:
        inner: object = {"tag": "26", "feilds": {}} if key in ("accounts", "unreserved") else {"feilds": "x"}
        refused = run("encode", "--json", "-", stdin=json.dumps({key: [inner] if "tag" in str(inner) else inner}))
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "feilds" in refused.stderr

    @pytest.mark.parametrize("key", ["accounts", "name", "x"])
    def test_json_nested_without_end_is_told_in_a_sentence(self, key: str) -> None:
        refused = run("encode", "--json", "-", stdin=f'{{"{key}":{"[" * 50_000}{"]" * 50_000}}}')
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert isinstance(refused.exception, SystemExit)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"nam": "X"}', '{"name": 7}', '{"name": "X"}', "\xff"])
    def test_json_that_is_no_code_is_refused(self, text: str) -> None:
        refused = run("encode", "--json", "-", stdin=text.encode("latin-1"))
        assert (refused.exit_code, refused.stdout) == (1, "")


class TestDecode:
    def test_the_values_are_printed_as_json(self) -> None:
        for result in (
            done("decode", PAYLOAD),
            done("decode", stdin=f"{PAYLOAD}\r\n"),
            done("decode", "-", stdin=PAYLOAD),
        ):
            assert json.loads(result)["name"] == "Mama Njeri Shop"

    def test_every_fault_is_told_and_nothing_is_printed(self) -> None:
        refused = run("decode", VIETQR)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.count("is mandatory") == 3
        assert "EMV MPM table 3.3" in refused.stderr

    def test_a_mode_or_a_profile_may_forgive(self) -> None:
        assert json.loads(done("decode", VIETQR, "--mode", "tolerant"))["currency"] == "704"
        profile = str(Path(qr.__file__).parent / "profiles" / "vietqr.toml")
        for given in ("vietqr", profile):
            assert done("decode", VIETQR, "--profile", given)

    def test_only_with_clean_a_spoilt_text_is_mended(self) -> None:
        spoilt = f" {PAYLOAD} "
        assert run("decode", spoilt).exit_code == 1
        assert done("decode", spoilt, "--clean") == done("decode", PAYLOAD)

    @pytest.mark.parametrize("text", [b"", b"\n", b"\xff\xfe", b"hello", PAYLOAD.encode() + b"\n\n", b"9" * 300_000])
    def test_what_is_no_code_is_refused(self, text: bytes) -> None:
        refused = run("decode", stdin=text)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr


class TestExplain:
    def test_a_code_sound_by_emvco_or_by_its_scheme_has_status_0_and_any_other_1(self) -> None:
        assert "keeps every EMVCo rule" in done("explain", PAYLOAD)
        assert "breaks EMVCo's rules" in done("explain", VIETQR)
        for payload in (VIETQR.replace("5303704", "5303840")[:-4] + "0000", PAYLOAD + "0", "hello", ""):
            result = run("explain", stdin=payload)
            assert (result.exit_code, bool(result.stdout)) == (1, True)

    def test_the_report_may_be_json(self) -> None:
        report = json.loads(done("explain", "--json", PAYLOAD))
        assert (report["strict"], report["networks"][0]["profile"]) == (True, "mojaloop")

    def test_a_code_cannot_steer_the_terminal(self) -> None:
        hostile = "0002015907\x1b[2Jabc6304FFFF"
        for command in ("explain", "decode"):
            result = run(command, hostile)
            assert "\x1b" not in result.output
        assert "\\x1b[2J" in run("explain", hostile).stdout


class TestRender:
    @pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
    def test_a_file_reads_back(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / f"code.{kind}"
        assert done("render", PAYLOAD, "-o", str(path), "--dark", "#14213d", "--rounded") == ""
        data = path.read_bytes()
        drawn = {"svg": lambda: of_svg(data.decode()), "png": lambda: of_png(data), "pdf": lambda: of_pdf(data)[0]}
        assert texts(drawn[kind]()) == [PAYLOAD]

    def test_standard_output_gets_the_same_bytes(self, tmp_path: Path) -> None:
        for kind in ("svg", "png", "pdf", "eps", "text", "data-uri"):
            path = tmp_path / "code"
            done("render", PAYLOAD, "--format", kind, "-o", str(path))
            result = run("render", "--format", kind, stdin=PAYLOAD)
            assert result.stdout_bytes == path.read_bytes(), kind

    def test_without_a_file_it_is_drawn_in_the_terminal(self) -> None:
        assert texts(of_text(done("render", PAYLOAD))) == [PAYLOAD]

    def test_sizes_and_logo_are_as_asked(self, tmp_path: Path) -> None:
        logo, path = tmp_path / "logo.png", tmp_path / "code.png"
        logo.write_bytes(mark())
        result = run("render", PAYLOAD, "-o", str(path), "--module-px", "6", "--logo", str(logo), "--verify")
        assert result.exit_code == 0
        assert "% covered" in result.stderr
        both = reading.has_zbar()
        assert result.stderr.startswith("read by zxing-cpp and ZBar, " if both else "read by zxing-cpp, ")
        assert (reading.ZBAR_MISSING in result.stderr) is not both
        picture = of_png(path.read_bytes())
        assert (texts(picture), picture.width % 6) == ([PAYLOAD], 0)

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [
            (("--format", "gif"), 2),
            (("-o", "code.gif"), 2),
            (("-o", "code"), 2),
            (("--format", "png", "--module-px", "0"), 1),
            (("--format", "svg", "--module-mm", "0.1"), 1),
            (("--format", "svg", "--module-mm", "nan"), 1),
            (("--format", "eps", "--module-mm", "inf"), 1),
            (("--format", "pdf", "--module-mm", "1e300"), 1),
            (("--format", "png", "--rounded", "--module-px", "3", "--verify"), 1),
            (("--format", "text", "--rounded"), 1),
            (("--format", "text", "--dark", "#14213d"), 1),
            (("--format", "svg", "--logo", "/dev/null"), 1),
            (("--format", "svg", "--dark", "#eeeeee"), 1),
            (("--format", "svg", "--dark", "black"), 1),
            (("--format", "svg", "--level", "X"), 2),
            (("--format", "eps", "--logo", __file__), 2),
            (("--format", "png", "--logo", __file__), 1),
            (("--format", "png", "--logo", __file__, "--level", "M"), 1),
            (("-o", "/nowhere/code.png"), 1),
        ],
    )
    def test_what_cannot_be_drawn_is_told(
        self, arguments: tuple[str, ...], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        refused = run("render", PAYLOAD, *arguments)
        assert (refused.exit_code, refused.stdout) == (status, "")
        assert refused.stderr
        assert list(tmp_path.iterdir()) == []

    def test_verifying_reads_the_very_picture(self, tmp_path: Path) -> None:
        result = run("render", PAYLOAD, "--rounded", "--module-px", "4", "--verify", "-o", str(tmp_path / "r.png"))
        assert result.exit_code == 0
        assert texts(of_png((tmp_path / "r.png").read_bytes())) == [PAYLOAD]

    @pytest.mark.parametrize("payload", ["hello", PAYLOAD[:-4] + "0000", "0002015907\x1b[2Jabc6304FFFF"])
    def test_what_no_wallet_can_pay_is_drawn_with_a_warning(self, payload: str) -> None:
        result = run("render", stdin=payload)
        assert (result.exit_code, bool(result.stdout)) == (0, True)
        assert result.stderr.startswith("warning")
        assert "\x1b" not in result.stderr
        assert run("render", PAYLOAD).stderr == ""

    def test_a_text_too_long_for_any_symbol_is_told(self) -> None:
        assert run("render", "9" * 3000).exit_code == 1
        assert run("render", "").exit_code == 1


class TestProfiles:
    def test_every_shipped_profile_is_listed_and_sound(self) -> None:
        lines = done("profiles").splitlines()
        assert [line.split()[0] for line in lines] == [profile.id for profile in qr.list_profiles()]
        assert all("sound" in line for line in lines)

    def test_a_file_of_ones_own_is_tried(self, tmp_path: Path) -> None:
        golden = qr.find_profile("tanqr").golden[0].payload
        mine = tmp_path / "mine.toml"
        text = Path(qr.__file__).with_name("profiles").joinpath("tanqr.toml").read_text().replace('"tanqr"', '"mine"')
        mine.write_text(text)
        assert done("profiles", "--file", str(mine)).startswith("mine ")
        mine.write_text(text.replace(golden, golden[:-4] + "0000"))
        refused = run("profiles", "--file", str(mine))
        assert refused.exit_code == 1
        assert "checksum_wrong" in refused.stderr

    @pytest.mark.parametrize("content", [b"", b"= 1", b"\xff", b'id = "x"', b'id = "mine"\nname = "M"\nsource = "s"'])
    def test_a_file_that_is_no_profile_is_told(self, content: bytes, tmp_path: Path) -> None:
        mine = tmp_path / "mine.toml"
        mine.write_bytes(content)
        refused = run("profiles", "--file", str(mine))
        assert refused.exit_code == 1
        assert str(mine) in refused.stderr

    def test_a_file_that_is_not_there_is_wrong_usage(self) -> None:
        assert run("profiles", "--file", "/nowhere/mine.toml").exit_code == 2
