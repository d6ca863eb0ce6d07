import jakarta.websocket.ContainerProvider;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.cometd.bayeux.Channel;
import org.cometd.bayeux.client.ClientSessionChannel.MessageListener;
import org.cometd.client.BayeuxClient;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;

/**
 * Watches a channel with CometD's Java client, a WebSocket first and long-polling
 * after it, and prints "dial" and then the number in each event, one a line.
 * Arguments: URL, channel, and the URL at which a session by each transport warms
 * the JVM up before that.
 */
public final class Watch {
    private static final long WARM = 10_000; // milliseconds, at most

    private final HttpClient http = new HttpClient();

    private Watch() throws Exception {
        http.start();
    }

    public static void main(String[] args) throws Exception {
        Watch watch = new Watch();
        watch.warm(new BayeuxClient(args[2], watch.socket()));
        watch.warm(new BayeuxClient(args[2], watch.polling()));
        watch.watch(new BayeuxClient(args[0], watch.socket(), watch.polling()), args[1]);
        new CountDownLatch(1).await();
    }

    private WebSocketTransport socket() {
        return new WebSocketTransport(null, null, ContainerProvider.getWebSocketContainer());
    }

    private JettyHttpClientTransport polling() {
        return new JettyHttpClientTransport(null, http);
    }

    private void warm(BayeuxClient client) throws Exception {
        CountDownLatch heard = new CountDownLatch(1);
        client.handshake(reply -> client.getChannel("/warm").subscribe((channel, message) -> heard.countDown(),
                accepted -> client.getChannel("/warm").publish("")));
        if (!heard.await(WARM, TimeUnit.MILLISECONDS)) {
            throw new IllegalStateException("not warm");
        }
        client.disconnect();
        client.waitFor(WARM, BayeuxClient.State.DISCONNECTED);
    }

    private void watch(BayeuxClient client, String name) {
        MessageListener print = (channel, message) -> System.out.println(message.getDataAsMap().get("n"));
        // As its manual advises: subscribe in each handshake's listener.
        client.getChannel(Channel.META_HANDSHAKE).addListener((MessageListener) (channel, reply) -> {
            if (reply.isSuccessful()) {
                client.getChannel(name).subscribe(print);
            }
        });
        System.out.println("dial");
        client.handshake();
    }
}
