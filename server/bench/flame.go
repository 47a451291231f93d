package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"html"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// frame is a function in a flame graph: what is above it is called by it.
type frame struct {
	name  string
	time  time.Duration
	above map[string]*frame
}

func (f *frame) call(name string) *frame {
	if f.above == nil {
		f.above = map[string]*frame{}
	}
	if f.above[name] == nil {
		f.above[name] = &frame{name: name}
	}
	return f.above[name]
}

// drawFlames draws the CPU profile in a file as a flame graph beside it.
func drawFlames(ctx context.Context, profile string) error {
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", profile).Output() //nolint:gosec // our own
	if err != nil {
		return fmt.Errorf("read the profile %s: %w", profile, err)
	}
	out, err := os.Create(profile + ".svg") //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriter(out)
	paint(w, readTraces(text))
	return w.Flush()
}

// readTraces reads what go tool pprof -traces writes: stacks behind rules of dashes, the innermost
// function first, with the time before it.
func readTraces(text []byte) *frame {
	root := &frame{name: "all"}
	blocks := bytes.Split(text, []byte("-----------+"))
	for _, block := range blocks[1:] { // behind the head
		_, block, _ = bytes.Cut(block, []byte("\n"))
		var spent time.Duration
		var stack []string
		for line := range strings.Lines(string(block)) {
			line = strings.TrimSuffix(strings.TrimSpace(line), " (inline)")
			first, rest, _ := strings.Cut(line, " ")
			if d, err := time.ParseDuration(first); err == nil && len(stack) == 0 {
				spent, line = d, strings.TrimSpace(rest)
			}
			if spent > 0 && line != "" {
				stack = append(stack, line)
			}
		}
		root.time += spent
		at := root
		for _, name := range slices.Backward(stack) {
			at = at.call(name)
			at.time += spent
		}
	}
	return root
}

// The measures of the picture, in pixels. A frame that would be narrower than thin is left out.
const (
	flameWidth  = 1600.0
	flameHeight = 17
	letterWidth = 6.2
	thin        = 0.5
)

// paint writes the picture: the whole at the bottom, calls above their callers, as wide as they took.
func paint(w io.Writer, root *frame) {
	scale := flameWidth / float64(max(root.time, 1))
	depth := depthOf(root, scale)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="monospace" font-size="10">`+"\n",
		flameWidth, depth*flameHeight)
	var draw func(f *frame, x float64, level int)
	draw = func(f *frame, x float64, level int) {
		width, y := float64(f.time)*scale, (depth-1-level)*flameHeight
		shown := f.name[strings.LastIndex(f.name, "/")+1:]
		shown = shown[:min(len(shown), max(0, int(width/letterWidth)-1))]
		fmt.Fprintf(w, `<g><title>%s: %s, %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%s</text></g>`+"\n",
			html.EscapeString(f.name), f.time, 100*float64(f.time)/float64(max(root.time, 1)),
			x, y, width, flameHeight-1, colorOf(f.name), x+2, y+flameHeight-5, html.EscapeString(shown))
		for _, child := range inOrder(f, scale) {
			draw(child, x, level+1)
			x += float64(child.time) * scale
		}
	}
	draw(root, 0, 0)
	fmt.Fprintln(w, "</svg>")
}

// inOrder gives the frames above one that are wide enough to be seen, by name.
func inOrder(f *frame, scale float64) []*frame {
	wide := slices.DeleteFunc(slices.Collect(maps.Values(f.above)), func(f *frame) bool { return float64(f.time)*scale < thin })
	slices.SortFunc(wide, func(a, b *frame) int { return cmp.Compare(a.name, b.name) })
	return wide
}

func depthOf(f *frame, scale float64) int {
	deepest := 0
	for _, child := range inOrder(f, scale) {
		deepest = max(deepest, depthOf(child, scale))
	}
	return deepest + 1
}

// colorOf gives a warm color, the same for all functions of a package.
func colorOf(name string) string {
	slash := strings.LastIndex(name, "/") + 1
	room, _, _ := strings.Cut(name[slash:], ".")
	h := fnv.New32a()
	_, _ = h.Write([]byte(name[:slash] + room))
	return fmt.Sprintf("hsl(%d 80%% 68%%)", h.Sum32()%60)
}
