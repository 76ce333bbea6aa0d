"""The reward as a Lambda function, and what trains against it: Amazon Nova through SageMaker and Bedrock."""
