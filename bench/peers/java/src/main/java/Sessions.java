import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import jakarta.websocket.ContainerProvider;
import jakarta.websocket.WebSocketContainer;
import org.cometd.bayeux.client.ClientSessionChannel.MessageListener;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.AckExtension;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;

/** Opens sessions, which share what is meant to be shared: the HTTP client, the WebSocket container and the scheduler. */
final class Sessions {
    private static final int LARGEST = 8 << 20; // of a response or frame: a burst may come in one

    private final Peer.Spec spec;
    private final ScheduledExecutorService scheduler = new ScheduledThreadPoolExecutor(1);
    private final HttpClient http = new HttpClient();
    private final WebSocketContainer sockets;

    Sessions(Peer.Spec spec) throws Exception {
        this.spec = spec;
        // Held polls occupy a connection each, and what is sent needs others.
        http.setMaxConnectionsPerDestination(2 * spec.n() + 64);
        http.setMaxRequestsQueuedPerDestination(2 * spec.n() + 1024);
        http.start();
        sockets = spec.kind().equals("websocket") ? ContainerProvider.getWebSocketContainer() : null;
    }

    /** Opens a session on one transport alone; it completes when the server accepted the subscription. */
    CompletableFuture<BayeuxClient> open(MessageListener listener) {
        BayeuxClient client = new BayeuxClient(spec.url(), scheduler, transport());
        if (spec.ack()) {
            client.addExtension(new AckExtension());
        }
        CompletableFuture<BayeuxClient> opened = new CompletableFuture<>();
        client.handshake(reply -> {
            if (!reply.isSuccessful()) {
                opened.completeExceptionally(new IllegalStateException(reply.toString()));
                return;
            }
            client.getChannel(spec.channel()).subscribe(listener, accepted -> {
                if (accepted.isSuccessful()) {
                    opened.complete(client);
                } else {
                    opened.completeExceptionally(new IllegalStateException(accepted.toString()));
                }
            });
        });
        return opened;
    }

    private ClientTransport transport() {
        Map<String, Object> options = new HashMap<>(Map.of(ClientTransport.MAX_MESSAGE_SIZE_OPTION, LARGEST));
        return sockets == null
                ? new JettyHttpClientTransport(options, http)
                : new WebSocketTransport(options, scheduler, sockets);
    }
}
