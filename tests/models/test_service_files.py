"""What botocore describes AWS by: read quickly, and alike."""

import gzip

import pytest

from dikast.models.service_files import ServiceFiles, know_one_service

botocore_loaders = pytest.importorskip("botocore.loaders")


@pytest.mark.parametrize(
    "name", ["endpoints", "partitions", "sdk-default-configuration", "bedrock-runtime/2023-09-30/service-2"]
)
def test_a_file_holds_what_botocores_own_reader_finds_in_it(name: str):
    path = f"{botocore_loaders.Loader.BUILTIN_DATA_PATH}/{name}"
    own = botocore_loaders.JSONFileLoader()

    files = ServiceFiles()

    assert files.exists(path)
    assert files.load_file(path) == own.load_file(path)


def test_a_packed_file_is_read_too_and_one_that_is_not_there_is_none(tmp_path):
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(b'{"a": 1}'))
    files = ServiceFiles()

    assert files.load_file(str(tmp_path / "packed")) == {"a": 1}
    assert files.load_file(str(tmp_path / "absent")) is None
    assert not files.exists(str(tmp_path / "absent"))


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "mars-1"])
def test_a_client_finds_the_endpoint_and_the_region_that_it_would_find(region: str, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    session = pytest.importorskip("botocore.session")
    quick, own = session.Session(), session.Session()
    know_one_service(quick, "bedrock-runtime")

    found, known = (one.create_client("bedrock-runtime", region_name=region) for one in (quick, own))

    assert found.meta.endpoint_url == known.meta.endpoint_url
    assert found.meta.partition == known.meta.partition
    assert found._request_signer._signing_name == known._request_signer._signing_name
    assert found._request_signer._region_name == known._request_signer._region_name
