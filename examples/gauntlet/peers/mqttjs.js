// As its README has it, for MQTT 5; with a keepalive of 5 s instead of 60, so that a run is short.
import mqtt from "mqtt";

const client = mqtt.connect(process.argv[2], { protocolVersion: 5, keepalive: 5 });
client.on("connect", () => client.subscribe(["a", "b"], { qos: 1 }));
client.on("message", (topic, message) => console.log(topic, message.toString()));
client.on("error", (error) => console.log(String(error)));
