package client

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// newTransport gives a pool of HTTP/2 connections. Calls share a connection until the server's limit
// of streams is reached; then another one opens.
func newTransport(encrypted bool, config *tls.Config) *http.Transport {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 16,
		Protocols:           new(http.Protocols),
		// A peer that vanished without a word is noticed by these, not by each call's deadline.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
	if !encrypted {
		// Alone: with HTTP/1 beside it, plain requests would go by HTTP/1.
		transport.Protocols.SetUnencryptedHTTP2(true)
		return transport
	}
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetHTTP1(true) // behind proxies that know nothing else, unary calls still work
	transport.Proxy = http.ProxyFromEnvironment
	transport.TLSClientConfig = config.Clone()
	return transport
}
