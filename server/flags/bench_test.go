package flags

import (
	"context"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkFlags shows what a flag costs: the provider's part, and all of it with OpenFeature.
func BenchmarkFlags(b *testing.B) {
	k := newKeeper(remember(map[string]Setting{"color": {Enabled: true, Default: "red", Version: 1, Rollout: map[string]int{"green": 50}}}))
	k.refresh(b.Context())
	f, err := New(b.Context(), declared, k.Provider(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close(context.Background()) })
	b.Run("provider", func(b *testing.B) {
		flat := openfeature.FlattenedContext{openfeature.TargetingKey: "cus_1"}
		b.ReportAllocs()
		for b.Loop() {
			k.provider.StringEvaluation(b.Context(), "color", "red", flat)
		}
	})
	b.Run("choice", func(b *testing.B) {
		color := f.Choice("color")
		b.ReportAllocs()
		for b.Loop() {
			color(b.Context(), "cus_1")
		}
	})
	b.Run("switch", func(b *testing.B) {
		bell := f.Switch("bell")
		b.ReportAllocs()
		for b.Loop() {
			bell(b.Context(), "")
		}
	})
}
