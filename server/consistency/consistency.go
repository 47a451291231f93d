// Package consistency speaks of how fresh a read must be, in the words of callers: the header that
// demands it, and the tokens that stand for what was written. Who reads what is up to the store.
package consistency

import (
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// The headers: a read demands, and a write answers with a token.
const (
	Header      = "Consistency"
	TokenHeader = "Consistency-Token"
)

// What the header of a read may say.
const (
	full    = "fully-consistent"
	minimal = "minimal-latency"
	atLeast = "at-least-as-fresh=" // followed by tokens, comma separated
)

// maxTokens bounds what one read may demand: a token a shard is enough.
const maxTokens = 256

// Tokens makes tokens, and reads them with the demand that they stand in.
type Tokens struct{ sealed *pagetoken.Tokens }

// New takes what seals tokens.
func New(sealed *pagetoken.Tokens) *Tokens { return &Tokens{sealed} }

// tokenLen is shard, system and position. A client compares tokens by it: of those of one shard and
// system the one with the greater position is as good as both. So its layout is for ever.
const tokenLen = 2 + 8 + 8

// Make gives the token of a position. Whoever reads at least as fresh sees what was written before.
func (t *Tokens) Make(p store.Position) string {
	raw := make([]byte, 0, tokenLen)
	raw = binary.BigEndian.AppendUint16(raw, uint16(p.Shard)) //nolint:gosec // there are fewer shards than slots
	raw = binary.BigEndian.AppendUint64(raw, p.System)
	raw = binary.BigEndian.AppendUint64(raw, p.Log)
	return t.sealed.Make([]byte(TokenHeader), raw)
}

// Demand reads what the header of a request demands; nothing but what is current when it is not there.
// It fails with INVALID_CONSISTENCY.
func (t *Tokens) Demand(header http.Header) (store.Consistency, error) {
	demand := strings.TrimSpace(strings.Join(header.Values(Header), ","))
	switch demand {
	case "":
		return store.Consistency{}, nil
	case full:
		return store.Consistency{Freshness: store.FullyConsistent}, nil
	case minimal:
		return store.Consistency{Freshness: store.MinimalLatency}, nil
	}
	tokens, ok := strings.CutPrefix(demand, atLeast)
	if !ok || strings.Count(tokens, ",") >= maxTokens {
		return store.Consistency{}, invalid("say fully-consistent, minimal-latency, or at-least-as-fresh= and what Consistency-Token said")
	}
	c := store.Consistency{Freshness: store.AtLeastAsFresh}
	for token := range strings.SplitSeq(tokens, ",") {
		raw, err := t.sealed.Read([]byte(TokenHeader), strings.TrimSpace(token))
		if err != nil || len(raw) != tokenLen {
			return store.Consistency{}, invalid("the token is none that Consistency-Token said")
		}
		c.Positions = append(c.Positions, store.Position{
			Shard:  int(binary.BigEndian.Uint16(raw)),
			System: binary.BigEndian.Uint64(raw[2:]),
			Log:    binary.BigEndian.Uint64(raw[10:]),
		})
	}
	return c, nil
}

func invalid(message string) error {
	return fault.Invalid(fault.ReasonInvalidConsistency, Header, "%s", message)
}
