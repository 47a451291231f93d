package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
)

// pingAfter is how long an HTTP/2 connection may be silent before it is asked whether it lives.
const pingAfter = 30 * time.Second

// newHTTPServer builds the server of the API port: HTTP/1.1 and HTTP/2, with and without TLS. It has
// no ReadTimeout or WriteTimeout, which would end long streams; the chain's Edge has them per call.
func newHTTPServer(base context.Context, cfg config.Server, handler http.Handler, logger *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(!cfg.TLS.Enabled())
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: cfg.MaxConcurrentStreams,
			SendPingTimeout:      pingAfter,
			WriteByteTimeout:     cfg.WriteTimeout,
		},
		ErrorLog:    slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // what strangers do wrong
		BaseContext: func(net.Listener) context.Context { return base },
	}
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}
