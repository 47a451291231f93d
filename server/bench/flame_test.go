package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const traces = `File: orderprocessing
Type: cpu
-----------+-------------------------------------------------------
      20ms   runtime.mallocgc
             example.com/shop/orders.Place (inline)
             main.main
-----------+-------------------------------------------------------
     1.98s   example.com/shop/orders.Place
             main.main
-----------+-------------------------------------------------------
`

func TestFlames(t *testing.T) {
	t.Run("each function is as wide as the stacks that it is in", func(t *testing.T) {
		root := readTraces([]byte(traces))
		require.Equal(t, 2*time.Second, root.time)
		place := root.above["main.main"].above["example.com/shop/orders.Place"]
		require.Equal(t, 2*time.Second, place.time)
		require.Equal(t, 20*time.Millisecond, place.above["runtime.mallocgc"].time)
	})
	t.Run("the picture has every function that is wide enough, as text that XML takes", func(t *testing.T) {
		root := readTraces([]byte(traces))
		root.call("a.B[go.shape.<int>]").time = time.Second
		root.call("too.Thin").time = time.Microsecond
		var picture strings.Builder
		paint(&picture, root)
		require.Contains(t, picture.String(), "<title>example.com/shop/orders.Place: 2s, 100.0 %</title>")
		require.Contains(t, picture.String(), "a.B[go.shape.&lt;int&gt;]")
		require.NotContains(t, picture.String(), "too.Thin")
	})
}
