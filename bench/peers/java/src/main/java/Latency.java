import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;

/** From the call that publishes to the listener of the same session, one at a time. */
final class Latency {
    private static volatile long came;

    private Latency() {
    }

    static Map<String, Double> measure(Peer.Spec spec) throws Exception {
        Semaphore arrived = new Semaphore(0);
        BayeuxClient client = new Sessions(spec).open((channel, message) -> {
            message.getDataAsMap().get("n");
            came = System.nanoTime();
            arrived.release();
        }).get(30, TimeUnit.SECONDS);
        ClientSessionChannel channel = client.getChannel(spec.channel());
        long[] took = new long[1 << 20];
        int count = 0;
        long begun = System.nanoTime();
        long counted = begun + (long) (spec.warm() * 1e9);
        long end = counted + (long) (spec.seconds() * 1e9);
        for (int n = 0; System.nanoTime() < end; n++) {
            long at = System.nanoTime();
            channel.publish(Map.of("n", n));
            if (!arrived.tryAcquire(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no event within 30 s");
            }
            if (at >= counted && count < took.length) {
                took[count++] = came - at;
            }
        }
        long[] sorted = Arrays.copyOf(took, count);
        Arrays.sort(sorted);
        return Map.of("p50", at(sorted, 0.5), "p90", at(sorted, 0.9), "p99", at(sorted, 0.99), "events", (double) count);
    }

    /** A quantile in microseconds. */
    private static double at(long[] sorted, double part) {
        return sorted[Math.min((int) (part * sorted.length), sorted.length - 1)] / 1e3;
    }
}
