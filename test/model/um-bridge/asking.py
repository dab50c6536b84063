"""The client of the reference package asks a server: what it finds goes to stdout as JSON."""

import json
import sys

import umbridge

url = sys.argv[1]
(name,) = umbridge.supported_models(url)
model = umbridge.HTTPModel(url, name)


def told(call):
    try:
        return call()
    except Exception as error:
        return str(error)


print(
    json.dumps(
        {
            "name": name,
            "inputs": model.get_input_sizes(),
            "outputs": model.get_output_sizes(),
            "gradients": [model.supports_gradient(), model.supports_apply_jacobian(), model.supports_apply_hessian()],
            "value": model([[0.5, 2.0]]),
            "none": model([[-4.0, 0.0]])[0][0] == float("-inf"),
            "gradient": model.gradient(0, 0, [[0.5, 2.0]], [3.0]),
            "jacobian": model.apply_jacobian(0, 0, [[0.5, 2.0]], [1.0, 10.0]),
            "wrong": told(lambda: model([[1.0]])),
        }
    )
)
