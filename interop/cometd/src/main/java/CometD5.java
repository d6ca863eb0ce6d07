import javax.servlet.ServletContext;
import org.cometd.bayeux.Promise;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.LocalSession;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerMessage;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.CometDServlet;
import org.cometd.server.http.AsyncJSONTransport;
import org.cometd.server.websocket.jetty.JettyWebSocketTransport;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeFilter;

/** CometD 5 on Jetty 9.4. */
public final class CometD5 extends Server {
    private final org.eclipse.jetty.server.Server jetty = new org.eclipse.jetty.server.Server();

    public static void main(String[] args) {
        new CometD5().run(args);
    }

    @Override
    int start(int port, boolean ws) throws Exception {
        ServerConnector connector = new ServerConnector(jetty);
        connector.setHost(host());
        connector.setPort(port);
        jetty.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler(jetty, "/");
        String transports = AsyncJSONTransport.class.getName();
        if (ws) {
            transports = JettyWebSocketTransport.class.getName() + "," + transports;
            WebSocketUpgradeFilter.configure(context);
        }
        bayeux.setOption(BayeuxServerImpl.TRANSPORTS_OPTION, transports);
        bayeux.setOption(ServletContext.class.getName(), context.getServletContext());
        context.setAttribute(BayeuxServer.ATTRIBUTE, bayeux);
        ServletHolder servlet = new ServletHolder(new CometDServlet());
        servlet.setInitOrder(1);
        servlet.setAsyncSupported(true);
        context.addServlet(servlet, "/cometd/*");
        jetty.start();
        return connector.getLocalPort();
    }

    @Override
    void stop() throws Exception {
        jetty.stop();
    }

    @Override
    void publish(ServerChannel to, LocalSession from, Object data) {
        to.publish(from, data, Promise.noop());
    }

    @Override
    void deliver(ServerSession to, LocalSession from, ServerMessage.Mutable message) {
        to.deliver(from, message, Promise.noop());
    }
}
