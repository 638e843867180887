// face-api.js, or its successor, as a measured page. In the address after #: {backend, detector}.
const { backend, detector } = JSON.parse(decodeURIComponent(location.hash.slice(1)));

async function start() {
  const { tf, nets } = faceapi;
  tf.setWasmPaths?.("/wasm/");
  if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) throw new Error(`no backend ${backend}`);
  const loaded = detector === "ssd" ? nets.ssdMobilenetv1 : nets.tinyFaceDetector;
  for (const net of [loaded, nets.faceLandmark68Net, nets.faceRecognitionNet]) await net.loadFromUri("/weights");
  const options = detector === "ssd" ? new faceapi.SsdMobilenetv1Options() : new faceapi.TinyFaceDetectorOptions();
  const faces = (canvas) => faceapi.detectAllFaces(canvas, options).withFaceLandmarks();
  window.jobs = {
    detect: async (canvas) => (await faces(canvas)).length,
    analyse: async (canvas) => (await faces(canvas).withFaceDescriptors()).length,
    embed: async (canvas) => (await faceapi.computeFaceDescriptor(canvas)).length,
  };
}

window.ready = start();
