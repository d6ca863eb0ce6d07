import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.cometd.client.BayeuxClient;

/** What sessions occupy on which nothing happens, beside one that was there before. */
final class Idle {
    private static final int OPENING = 64; // at a time
    private static final long SETTLING = 2000; // milliseconds

    private Idle() {
    }

    static Map<String, Double> measure(Peer.Spec spec) throws Exception {
        Sessions sessions = new Sessions(spec);
        List<BayeuxClient> all = new ArrayList<>();
        open(sessions, 1, all);
        Thread.sleep(SETTLING);
        double[] before = occupied();
        long begun = System.nanoTime();
        open(sessions, spec.n(), all);
        double took = (System.nanoTime() - begun) / 1e9;
        Thread.sleep(SETTLING);
        double[] after = occupied();
        for (BayeuxClient client : all) {
            if (!client.isConnected()) {
                throw new IllegalStateException("a session is not connected");
            }
        }
        return Map.of("RSS kB", (after[0] - before[0]) / spec.n(), "heap kB", (after[1] - before[1]) / spec.n(),
                "process MB", after[0] / 1024, "opened s", took);
    }

    private static void open(Sessions sessions, int n, List<BayeuxClient> all) throws Exception {
        Semaphore turns = new Semaphore(OPENING);
        for (int i = 0; i < n; i++) {
            acquire(turns, 1);
            sessions.open((channel, message) -> { }).whenComplete((client, failure) -> {
                if (failure != null) {
                    failure.printStackTrace(); // its turn never ends
                    return;
                }
                synchronized (all) {
                    all.add(client);
                }
                turns.release();
            });
        }
        acquire(turns, OPENING);
    }

    private static void acquire(Semaphore turns, int n) throws InterruptedException {
        if (!turns.tryAcquire(n, 1, TimeUnit.MINUTES)) {
            throw new IllegalStateException("not open within a minute");
        }
    }

    /** KB: resident, and of live objects, after garbage was collected. */
    private static double[] occupied() throws IOException, InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Thread.sleep(100);
        }
        double heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024.0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return new double[] {Double.parseDouble(line.replaceAll("\\D", "")), heap};
            }
        }
        return new double[] {0, heap};
    }
}
