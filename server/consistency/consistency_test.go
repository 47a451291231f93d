package consistency_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/consistency"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
)

func demand(tokens *consistency.Tokens, values ...string) (store.Consistency, error) {
	return tokens.Demand(http.Header{consistency.Header: values})
}

func TestTokens(t *testing.T) {
	sealed := pagetoken.New([]byte("key"))
	tokens := consistency.New(sealed)
	one := store.Position{Shard: 3, System: 1<<63 + 5, Log: 0x16B3748}
	two := store.Unknown(300)

	t.Run("a token stands for a position", func(t *testing.T) {
		c, err := demand(tokens, "at-least-as-fresh="+tokens.Make(one)+", "+tokens.Make(two))
		require.NoError(t, err)
		require.Equal(t, store.Consistency{Freshness: store.AtLeastAsFresh, Positions: []store.Position{one, two}}, c)
		require.True(t, c.Positions[0].Known())
		require.False(t, c.Positions[1].Known())
	})
	t.Run("the header may come in two lines", func(t *testing.T) {
		c, err := demand(tokens, "at-least-as-fresh="+tokens.Make(one), tokens.Make(two))
		require.NoError(t, err)
		require.Len(t, c.Positions, 2)
	})
	t.Run("nothing demands nothing, and the words are known", func(t *testing.T) {
		for said, want := range map[string]store.Freshness{
			"": store.Current, "fully-consistent": store.FullyConsistent, "minimal-latency": store.MinimalLatency,
		} {
			c, err := demand(tokens, said)
			require.NoError(t, err)
			require.Equal(t, store.Consistency{Freshness: want}, c)
		}
		c, err := tokens.Demand(nil)
		require.NoError(t, err)
		require.Zero(t, c)
	})
	for name, said := range map[string]string{
		"a word that is none": "eventually", "no token": "at-least-as-fresh=", "half of a list": "at-least-as-fresh=" + tokens.Make(one) + ",",
		"a token that was changed":    "at-least-as-fresh=A" + tokens.Make(one)[1:],
		"a token of another key":      "at-least-as-fresh=" + consistency.New(pagetoken.New([]byte("other"))).Make(one),
		"a token of a page":           "at-least-as-fresh=" + sealed.Make([]byte("list"), make([]byte, 18)),
		"a sealed one that is short":  "at-least-as-fresh=" + sealed.Make([]byte(consistency.TokenHeader), []byte("short")),
		"more tokens than any shards": "at-least-as-fresh=" + strings.Repeat(tokens.Make(one)+",", 300) + tokens.Make(one),
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := demand(tokens, said)
			require.Equal(t, fault.ReasonInvalidConsistency, fault.ReasonOf(err))
		})
	}
}
