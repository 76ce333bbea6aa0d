"""What tests of jobs share: the settings that every target needs."""

import msgspec
import pytest

from dikast.spec.aws import AwsSpec

ARN = "arn:aws:lambda:us-east-1:123456789012:function:SageMaker-review"


@pytest.fixture
def aws() -> AwsSpec:
    return AwsSpec(
        reward_lambda=ARN,
        role="arn:aws:iam::123456789012:role/dikast",
        output="s3://my-bucket/review",
        accept_eula=True,
        base_model="arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/some-model/1.0.0",
        model_package_group="arn:aws:sagemaker:us-east-1:123456789012:model-package-group/review",
    )


@pytest.fixture
def changed():
    return msgspec.structs.replace
