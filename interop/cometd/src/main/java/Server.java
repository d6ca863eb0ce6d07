import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import org.cometd.bayeux.ChannelId;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.LocalSession;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerMessage;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.DefaultSecurityPolicy;
import org.cometd.server.ext.AcknowledgedMessagesExtension;
import org.eclipse.jetty.util.ajax.JSON;

/**
 * A CometD server at /cometd with an HTTP endpoint, on a port of its own, by
 * which tests command it. What differs from one line of releases to the next is
 * in subclasses: how it is wired to its Jetty. Arguments are name=value: host
 * (it listens there; 127.0.0.1), port (0: any), timeout, maxInterval, maxMessageSize and maxSessionsPerBrowser,
 * ws, ack and record (true or false); those not given are CometD's own, with ws, ack and record true. It prints "ready PORT
 * ADMINPORT" when it serves, and ends when its standard input does.
 */
abstract class Server {
    final BayeuxServerImpl bayeux = new BayeuxServerImpl();
    private final Map<String, List<Object>> received = new ConcurrentHashMap<>();
    private final Map<String, String> options = new HashMap<>();
    private LocalSession publisher;

    /** Wires the server to a Jetty, starts it, and returns its port. */
    abstract int start(int port, boolean ws) throws Exception;

    /** Stops the Jetty as a deployment would. */
    abstract void stop() throws Exception;

    /** Publishes on a channel. */
    abstract void publish(ServerChannel to, LocalSession from, Object data);

    /** Sends a message to one session. */
    abstract void deliver(ServerSession to, LocalSession from, ServerMessage.Mutable message);

    final void run(String[] args) {
        for (String arg : args) {
            String[] pair = arg.split("=", 2);
            options.put(pair[0], pair[1]);
        }
        try {
            serve();
            while (System.in.read() >= 0) {
                continue;
            }
            System.exit(0);
        } catch (Throwable failure) { // CometD's threads would keep a server without a port alive
            failure.printStackTrace();
            System.exit(1);
        }
    }

    private void serve() throws Exception {
        for (String name : List.of("timeout", "maxInterval", "maxMessageSize", "maxSessionsPerBrowser")) {
            if (options.containsKey(name)) {
                bayeux.setOption(name, Long.parseLong(options.get(name)));
            }
        }
        if (is("ws")) {
            bayeux.setOption("ws.cometdURLMapping", "/cometd");
        }
        prepare();
        int port = start(Integer.parseInt(options.getOrDefault("port", "0")), is("ws"));
        publisher = bayeux.newLocalSession("publisher");
        publisher.handshake();
        System.out.println("ready " + port + " " + admin());
    }

    final String host() {
        return options.getOrDefault("host", "127.0.0.1");
    }

    private boolean is(String option) {
        return !"false".equals(options.get(option));
    }

    private void prepare() {
        if (is("ack")) {
            bayeux.addExtension(new AcknowledgedMessagesExtension());
        }
        bayeux.setSecurityPolicy(new Policy());
        bayeux.createChannelIfAbsent("/**", channel -> {
            channel.setPersistent(true);
            if (is("record")) {
                channel.addListener(new Recorder());
            }
        });
        bayeux.createChannelIfAbsent("/service/flood", channel -> {
            channel.setPersistent(true);
            channel.addListener(new Flood());
        });
        bayeux.createChannelIfAbsent("/service/echo", channel -> {
            channel.setPersistent(true);
            channel.addListener(new Echo());
        });
    }

    /** Refuses whatever is asked for below /deny. */
    private static final class Policy extends DefaultSecurityPolicy {
        @Override
        public boolean canCreate(BayeuxServer server, ServerSession session, String channel, ServerMessage message) {
            return !channel.startsWith("/deny/") && super.canCreate(server, session, channel, message);
        }

        @Override
        public boolean canSubscribe(BayeuxServer server, ServerSession session, ServerChannel channel, ServerMessage message) {
            return !channel.getId().startsWith("/deny/") && super.canSubscribe(server, session, channel, message);
        }

        @Override
        public boolean canPublish(BayeuxServer server, ServerSession session, ServerChannel channel, ServerMessage message) {
            return !channel.getId().startsWith("/deny/") && super.canPublish(server, session, channel, message);
        }
    }

    /** Keeps what clients publish, in the order in which the server takes it. */
    private final class Recorder implements ServerChannel.MessageListener {
        @Override
        public boolean onMessage(ServerSession from, ServerChannel channel, ServerMessage.Mutable message) {
            if (from != null && !from.isLocalSession() && !ChannelId.isMeta(message.getChannel())) {
                received.computeIfAbsent(message.getChannel(), name -> Collections.synchronizedList(new ArrayList<>()))
                        .add(message.getData());
            }
            return true;
        }
    }

    /** Answers a remote call, as CometD's own annotated services do, with the data it was called with. */
    private final class Echo implements ServerChannel.MessageListener {
        @Override
        public boolean onMessage(ServerSession from, ServerChannel channel, ServerMessage.Mutable message) {
            ServerMessage.Mutable reply = bayeux.newMessage();
            reply.setChannel(message.getChannel());
            reply.setId(message.getId());
            reply.setSuccessful(true);
            reply.setData(message.getData());
            deliver(from, publisher, reply);
            return true;
        }
    }

    /**
     * Publishes, on a thread of its own and as fast as it goes, as many events as the data's count says on the channel
     * it names. Their data is {"n":0,"text":TEXT} and so on, with its text.
     */
    private final class Flood implements ServerChannel.MessageListener {
        private final Executor thread = Executors.newSingleThreadExecutor();

        @Override
        public boolean onMessage(ServerSession from, ServerChannel channel, ServerMessage.Mutable message) {
            Map<String, Object> asked = message.getDataAsMap();
            int count = ((Number) asked.get("count")).intValue();
            thread.execute(() -> {
                ServerChannel to = bayeux.createChannelIfAbsent((String) asked.get("channel")).getReference();
                for (int i = 0; i < count; i++) {
                    Server.this.publish(to, publisher, Map.of("n", i, "text", asked.get("text")));
                }
            });
            return true;
        }
    }

    private int admin() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/publish", exchange -> answer(exchange, this::publish));
        server.createContext("/received", exchange -> answer(exchange, query ->
                List.copyOf(received.getOrDefault(query.get("channel"), List.of()))));
        server.createContext("/sessions", exchange -> answer(exchange, query -> sessions()));
        server.createContext("/remove", exchange -> answer(exchange, this::remove));
        server.createContext("/disconnect", exchange -> answer(exchange, this::disconnect));
        server.createContext("/stop", exchange -> answer(exchange, query -> halt()));
        server.start();
        return server.getAddress().getPort();
    }

    /** Publishes {"n":from} and the count-1 numbers after it; rate is a second, 0 as fast as it goes. */
    private Object publish(Map<String, String> query) {
        int count = Integer.parseInt(query.getOrDefault("count", "1"));
        int from = Integer.parseInt(query.getOrDefault("from", "1"));
        int rate = Integer.parseInt(query.getOrDefault("rate", "0"));
        String channel = query.get("channel");
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            while (rate > 0 && System.nanoTime() - start < i * 1_000_000_000L / rate) {
                LockSupport.parkNanos(start + i * 1_000_000_000L / rate - System.nanoTime());
            }
            publish(bayeux.createChannelIfAbsent(channel).getReference(), publisher, Map.of("n", from + i));
        }
        return count;
    }

    private Object sessions() {
        List<Object> list = new ArrayList<>();
        for (ServerSession session : bayeux.getSessions()) {
            if (!session.isLocalSession()) {
                list.add(Map.of("id", session.getId(),
                        "subscriptions", session.getSubscriptions().stream().map(ServerChannel::getId).sorted().toList()));
            }
        }
        return list;
    }

    /** Removes one session, or all, as the sweeper does with those that expired. */
    private Object remove(Map<String, String> query) {
        int removed = 0;
        for (ServerSession session : bayeux.getSessions()) {
            String id = query.getOrDefault("session", session.getId());
            if (!session.isLocalSession() && id.equals(session.getId()) && bayeux.removeServerSession(session, true)) {
                removed++;
            }
        }
        return removed;
    }

    /** Ends sessions with a /meta/disconnect of the server's own. */
    private Object disconnect(Map<String, String> query) {
        int told = 0;
        for (ServerSession session : bayeux.getSessions()) {
            String id = query.getOrDefault("session", session.getId());
            if (!session.isLocalSession() && id.equals(session.getId())) {
                session.disconnect();
                told++;
            }
        }
        return told;
    }

    private Object halt() {
        try {
            stop();
            return true;
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    private interface Command {
        Object run(Map<String, String> query);
    }

    private static void answer(HttpExchange exchange, Command command) throws IOException {
        try (exchange) {
            Map<String, String> query = new HashMap<>();
            String text = exchange.getRequestURI().getQuery();
            for (String pair : text == null ? new String[0] : text.split("&")) {
                String[] parts = pair.split("=", 2);
                if (parts.length == 2) {
                    query.put(parts[0], parts[1]);
                }
            }
            int status = 200;
            Object result;
            try {
                result = command.run(query);
            } catch (RuntimeException failure) {
                failure.printStackTrace();
                status = 500;
                result = failure.toString();
            }
            byte[] body = new JSON().toJSON(result).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
