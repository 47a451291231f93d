package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDrawSaturation(t *testing.T) {
	drawn := drawSaturation([]offered{
		{rate: 1000, goodput: 1000, p99: 20}, {rate: 4000, goodput: 3900, p99: 60}, {rate: 12000, goodput: 3800, shed: 6000, p99: 420},
	})
	for decoder := xml.NewDecoder(strings.NewReader(drawn)); ; { // a picture that browsers can read
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Equal(t, 3, strings.Count(drawn, "<polyline"))
	require.Contains(t, drawn, `class="line goodput" points="116.3,`, "1,000 of 12,000 on 628 points")
	require.Contains(t, drawn, ">12000</text>")
	require.Contains(t, drawn, ">800</text>", "the axis of milliseconds ends at a round number")
}

func TestCeiling(t *testing.T) {
	for v, want := range map[float64]float64{0: 4, 3: 4, 5: 8, 9: 12, 17: 20, 21: 40, 420: 800, 7310: 8000, 21000: 40000} {
		require.InDelta(t, want, ceiling(v), 0, "%g", v)
	}
}
