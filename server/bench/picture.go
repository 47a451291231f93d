package main

import (
	"fmt"
	"strings"
)

// The picture: two panels above each other over the same axis of what is offered. Its colors are seen
// on light and on dark paper.
const (
	pictureWidth  = 720
	panelHeight   = 190
	panelLeft     = 64
	panelRight    = pictureWidth - 28
	firstPanelTop = 34
	nextPanelTop  = firstPanelTop + panelHeight + 58
	pictureHeight = nextPanelTop + panelHeight + 48
)

const pictureHead = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="ui-sans-serif, system-ui, sans-serif" font-size="12">
  <title>CreateOrder: what is answered, and how fast, as more is offered</title>
  <style>
    text { fill: #848d97; }
    .axis, .grid { stroke: #848d97; fill: none; }
    .grid { stroke-opacity: .25; }
    .ideal { stroke: #848d97; fill: none; stroke-dasharray: 4 4; }
    .line { fill: none; stroke-width: 2.5; }
    .goodput { stroke: #2f81f7; } .shed { stroke: #d29922; } .p99 { stroke: #db61a2; }
    .name { font-size: 13px; font-weight: 600; }
  </style>
`

// panel is one half of the picture.
type panel struct {
	top        float64
	maxX, maxY float64
	out        *strings.Builder
}

func (p panel) x(v float64) float64 { return panelLeft + v/p.maxX*(panelRight-panelLeft) }

func (p panel) y(v float64) float64 { return p.top + panelHeight - min(v/p.maxY, 1)*panelHeight }

// drawSaturation draws what was answered and turned away, and the 99th percentile, over what was offered.
func drawSaturation(curve []offered) string {
	var out strings.Builder
	fmt.Fprintf(&out, pictureHead, pictureWidth, pictureHeight)
	var maxX, maxGood, maxP99 float64
	for _, o := range curve {
		maxX, maxGood, maxP99 = max(maxX, o.rate), max(maxGood, o.goodput, o.shed), max(maxP99, o.p99)
	}
	maxX = ceiling(maxX)
	upper := panel{firstPanelTop, maxX, ceiling(maxGood), &out}
	upper.frame("orders a second: answered (blue), turned away (yellow); dashed: all that is offered")
	ideal := min(maxX, upper.maxY)
	fmt.Fprintf(&out, `  <path class="ideal" d="M%.1f %.1f L%.1f %.1f"/>`+"\n", upper.x(0), upper.y(0), upper.x(ideal), upper.y(ideal))
	upper.line("goodput", curve, func(o offered) float64 { return o.goodput })
	upper.line("shed", curve, func(o offered) float64 { return o.shed })
	lower := panel{nextPanelTop, maxX, ceiling(maxP99), &out}
	lower.frame("milliseconds, 99th percentile of those answered, from when they were due")
	lower.line("p99", curve, func(o offered) float64 { return o.p99 })
	fmt.Fprintf(&out, `  <text x="%d" y="%d" text-anchor="end">orders offered a second</text>`+"\n</svg>\n", panelRight, pictureHeight-10)
	return out.String()
}

func (p panel) frame(name string) {
	fmt.Fprintf(p.out, `  <text class="name" x="%d" y="%.1f">%s</text>`+"\n", panelLeft, p.top-12, name)
	const lines = 4
	for i := range lines + 1 {
		share := float64(i) / lines
		fmt.Fprintf(p.out, `  <path class="grid" d="M%d %.1f H%d"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			panelLeft, p.y(share*p.maxY), panelRight, panelLeft-8, p.y(share*p.maxY)+4, share*p.maxY)
		fmt.Fprintf(p.out, `  <text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>`+"\n",
			p.x(share*p.maxX), p.top+panelHeight+18, share*p.maxX)
	}
	fmt.Fprintf(p.out, `  <path class="axis" d="M%d %.1f V%.1f H%d"/>`+"\n", panelLeft, p.top, p.top+panelHeight, panelRight)
}

func (p panel) line(class string, curve []offered, of func(offered) float64) {
	points := make([]string, len(curve))
	for i, o := range curve {
		points[i] = fmt.Sprintf("%.1f,%.1f", p.x(o.rate), p.y(of(o)))
	}
	fmt.Fprintf(p.out, `  <polyline class="line %s" points="%s"/>`+"\n", class, strings.Join(points, " "))
}

// ceiling gives a round number at or above v that can be divided by four.
func ceiling(v float64) float64 {
	for unit := 1.0; ; unit *= 10 {
		for _, step := range []float64{4, 8, 12, 16, 20} {
			if v <= step*unit {
				return step * unit
			}
		}
	}
}
