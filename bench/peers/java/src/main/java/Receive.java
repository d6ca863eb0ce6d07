import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.bayeux.client.ClientSessionChannel;

/** Events as fast as the server publishes them. The client asks for bursts, so that one or two are under way. */
final class Receive {
    private Receive() {
    }

    static Map<String, Double> measure(Peer.Spec spec) throws Exception {
        Map<String, Object> burst = Map.of("channel", spec.channel(), "count", spec.n(), "text", spec.text());
        AtomicLong got = new AtomicLong();
        ClientSession session = new Sessions(spec).open((channel, message) -> {
            if (message.getDataAsMap().get("n") instanceof Number && got.incrementAndGet() % spec.n() == 0) {
                ((ClientSessionChannel) channel).getSession().getChannel("/service/flood").publish(burst);
            }
        }).get(30, TimeUnit.SECONDS);
        for (int i = 0; i < 2; i++) {
            session.getChannel("/service/flood").publish(burst);
        }
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        Thread.sleep((long) (spec.warm() * 1e3));
        long before = got.get();
        long cpu = system.getProcessCpuTime();
        long begun = System.nanoTime();
        Thread.sleep((long) (spec.seconds() * 1e3));
        double count = got.get() - before;
        double spent = (system.getProcessCpuTime() - cpu) / 1e9;
        double took = (System.nanoTime() - begun) / 1e9;
        if (count == 0) {
            throw new IllegalStateException("no event came");
        }
        return Map.of("msgs/s", count / took, "msgs/cpu-s", count / spent, "cores", spent / took);
    }
}
