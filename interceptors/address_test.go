package interceptors

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func prefixes(texts ...string) (networks []netip.Prefix) {
	for _, text := range texts {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	return networks
}

func TestAddresses(t *testing.T) {
	a := addresses{proxies: prefixes("10.0.0.0/8", "fd00::/8")}
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"a client that comes directly", "203.0.113.7:1234", nil, "203.0.113.7"},
		{"a client that comes directly and claims another address", "203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a client that claims to come through our proxy", "203.0.113.7:1234", []string{"198.51.100.1, 10.0.0.1"}, "203.0.113.7"},
		{"a client of our proxy", "10.0.0.1:80", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a client of our proxy that claims another address", "10.0.0.1:80", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"the same in two headers", "10.0.0.1:80", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"a client that claims to be our proxy, through it", "10.0.0.1:80", []string{"10.9.9.9, 203.0.113.7"}, "203.0.113.7"},
		{"two proxies of ours", "10.0.0.1:80", []string{"198.51.100.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"a proxy that tells nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"a proxy that was told nonsense", "10.0.0.1:80", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nonsense behind the client", "10.0.0.1:80", []string{"unknown, 203.0.113.7"}, "203.0.113.7"},
		{"an entry with a port", "10.0.0.1:80", []string{"203.0.113.7:4321"}, "203.0.113.7"},
		{"IPv6", "[2001:db8::1]:80", nil, "2001:db8::1"},
		{"IPv6 behind a proxy", "[fd00::1]:80", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with a port behind a proxy", "[fd00::1]:80", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:80", nil, "203.0.113.7"},
		{"IPv4 in IPv6 that is a proxy", "[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
			require.Equal(t, tt.want, a.of(r).String())
		})
	}
}

func TestAddressKey(t *testing.T) {
	key := func(address string) string { return addressKey(netip.MustParseAddr(address)) }
	require.Equal(t, key("2001:db8::1"), key("2001:db8::ffff:1"))
	require.NotEqual(t, key("2001:db8::1"), key("2001:db8:0:1::1"))
	require.NotEqual(t, key("203.0.113.7"), key("203.0.113.8"))
}
