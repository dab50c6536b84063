"""A UM-Bridge server of the reference package: a model of two vectors, with gradient, failures and slow points."""

import sys

import umbridge


class Forward(umbridge.Model):
    def __init__(self):
        super().__init__("forward")

    def get_input_sizes(self, config):
        return [2, 1]

    def get_output_sizes(self, config):
        return [1]

    def __call__(self, parameters, config):
        (a, b), (c,) = parameters
        if a > 0.9:
            raise ValueError("too steep")
        if a < 0.1:
            return [[float("-inf")]]
        return [[config.get("scale", 1.0) * (a + 2.0 * b) ** -1 * c]]

    def gradient(self, out_wrt, in_wrt, parameters, sens, config):
        (a, b), (c,) = parameters
        s = a + 2.0 * b
        if in_wrt == 0:
            return [-sens[0] * c / s**2, -2.0 * sens[0] * c / s**2]
        return [sens[0] / s]

    def supports_evaluate(self):
        return True

    def supports_gradient(self):
        return True


umbridge.serve_models([Forward()], int(sys.argv[1]))
