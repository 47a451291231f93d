package redistest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots is into how many parts a cluster divides its keys.
const slots = 16384

// StartCluster starts three servers that share the keys, without replicas, and gives their URLs.
func StartCluster(tb testing.TB) []string {
	tb.Helper()
	const nodes = 3
	var urls []string
	var clients []*redis.Client
	var first struct{ port, bus int }
	for i := range nodes {
		// The bus would be at the port plus 10,000, which may be none or taken.
		bus, err := freePort()
		if err != nil {
			tb.Fatal(err)
		}
		s := start(tb, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(bus))
		client := redis.NewClient(&redis.Options{Addr: s.address()})
		defer client.Close()
		if i == 0 {
			first.port, first.bus = s.port, bus
		}
		urls, clients = append(urls, s.URL()), append(clients, client)
		if err := client.Do(tb.Context(), "CLUSTER", "MEET", "127.0.0.1", first.port, first.bus).Err(); err != nil {
			tb.Fatal(err)
		}
	}
	for i, client := range clients {
		if err := client.ClusterAddSlotsRange(tb.Context(), i*slots/nodes, (i+1)*slots/nodes-1).Err(); err != nil {
			tb.Fatal(err)
		}
	}
	awaitCluster(tb, clients)
	return urls
}

// awaitCluster waits until every server knows where every key is.
func awaitCluster(tb testing.TB, clients []*redis.Client) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	for _, client := range clients {
		for {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, fmt.Sprintf("cluster_slots_assigned:%d", slots)) && strings.Contains(info, fmt.Sprintf("cluster_size:%d", len(clients))) {
				break
			}
			select {
			case <-ctx.Done():
				tb.Fatalf("the test cluster does not form: %v\n%s", err, info)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}
