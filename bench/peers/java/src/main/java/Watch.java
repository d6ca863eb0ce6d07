import jakarta.websocket.ContainerProvider;
import java.util.concurrent.CountDownLatch;
import org.cometd.bayeux.Channel;
import org.cometd.bayeux.client.ClientSessionChannel.MessageListener;
import org.cometd.client.BayeuxClient;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;

/**
 * Watches a channel with CometD's Java client, a WebSocket first and long-polling
 * after it, and prints "dial" and then the number in each event, one a line.
 * Arguments: URL, channel.
 */
public final class Watch {
    private Watch() {
    }

    public static void main(String[] args) throws Exception {
        HttpClient http = new HttpClient();
        http.start();
        BayeuxClient client = new BayeuxClient(args[0],
                new WebSocketTransport(null, null, ContainerProvider.getWebSocketContainer()),
                new JettyHttpClientTransport(null, http));
        MessageListener print = (channel, message) -> System.out.println(message.getDataAsMap().get("n"));
        // As its manual advises: subscribe in each handshake's listener.
        client.getChannel(Channel.META_HANDSHAKE).addListener((MessageListener) (channel, reply) -> {
            if (reply.isSuccessful()) {
                client.getChannel(args[1]).subscribe(print);
            }
        });
        System.out.println("dial");
        client.handshake();
        new CountDownLatch(1).await();
    }
}
