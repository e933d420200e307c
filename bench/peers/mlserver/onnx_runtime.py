"""A runtime for MLServer that serves an ONNX model, as MLServer's documentation describes custom runtimes."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri
from onnxruntime import InferenceSession, SessionOptions


class OnnxRuntime(MLModel):
    async def load(self) -> bool:
        # One thread for a call: requests come one by one or in batches of tens of rows.
        options = SessionOptions()
        options.intra_op_num_threads = 1
        uri = await get_model_uri(self._settings)
        self._session = InferenceSession(uri, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = NumpyCodec.decode_input(payload.inputs[0])
        answers = self._session.run(None, {self._input: values})
        outputs = [NumpyCodec.encode_output(name, answer) for name, answer in zip(self._outputs, answers)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
