package interceptors

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// addresses tells where a request comes from.
type addresses struct {
	proxies   []netip.Prefix // whose X-Forwarded-For is believed
	unlimited []netip.Prefix // that are not counted by address
}

// of gives the address of the client: of the connection, or, when that is a proxy of ours, the last
// one in X-Forwarded-For that is none. What stands before it anybody may have written.
func (a addresses) of(r *http.Request) netip.Addr {
	client := parseAddress(r.RemoteAddr)
	if !contains(a.proxies, client) {
		return client
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, entry := range slices.Backward(forwarded) {
		next := parseAddress(strings.TrimSpace(entry))
		if !next.IsValid() {
			return client
		}
		client = next
		if !contains(a.proxies, client) {
			return client
		}
	}
	return client
}

// counted tells whether an address is counted.
func (a addresses) counted(client netip.Addr) bool { return !contains(a.unlimited, client) }

// addressKey is what an address is counted under. An IPv6 /64 is one network of one subscriber, who
// has all its addresses.
func addressKey(client netip.Addr) string {
	if client.Is6() {
		prefix, err := client.Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return client.String()
}

// parseAddress reads an address with or without a port; the zero Addr is what cannot be read.
func parseAddress(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	client, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return client.Unmap().WithZone("")
}

func contains(networks []netip.Prefix, client netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(client) })
}
