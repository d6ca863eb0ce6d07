import java.util.Map;
import org.eclipse.jetty.util.ajax.JSON;

/** Makes one measurement of CometD's Java client. Its argument and what it prints are JSON. */
public final class Peer {
    /** What is measured, as command bench says it. */
    record Spec(String measure, String url, String kind, boolean ack, String channel, String text, int n, double warm, double seconds) {
        @SuppressWarnings("unchecked")
        static Spec of(String json) {
            Map<String, Object> all = (Map<String, Object>) new JSON().fromJSON(json);
            return new Spec((String) all.get("Measure"), (String) all.get("URL"), (String) all.get("Kind"), (Boolean) all.get("Ack"),
                    (String) all.get("Channel"), (String) all.get("Text"), ((Number) all.get("N")).intValue(),
                    ((Number) all.get("Warm")).doubleValue(), ((Number) all.get("Seconds")).doubleValue());
        }
    }

    private Peer() {
    }

    public static void main(String[] args) {
        try {
            Spec spec = Spec.of(args[0]);
            Map<String, Double> figures = switch (spec.measure()) {
                case "peers-latency" -> Latency.measure(spec);
                case "peers-receive" -> Receive.measure(spec);
                case "peers-idle" -> Idle.measure(spec);
                default -> throw new IllegalArgumentException(spec.measure());
            };
            System.out.println(new JSON().toJSON(figures));
            System.exit(0);
        } catch (Throwable failure) { // the client's threads would keep the process alive
            failure.printStackTrace();
            System.exit(1);
        }
    }
}
