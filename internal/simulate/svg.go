package simulate

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
)

// The measures of the drawing, in pixels.
const (
	panelWidth  = 420
	panelHeight = 200
	marginLeft  = 56 // of a panel, for the ticks and the name of the axis
	marginTop   = 40 // of a panel, for its titles
	marginBelow = 48
	gap         = 24
	header      = 96
)

// The colours are light, as many lines lie on each other. They have the same
// order as the shares.
var lineColours = []string{"#3f88b5", "#dd8a2e", "#5b9e6a", "#8f70b3", "#b5566b", "#7a7a5c"}

const style = `text{font-family:system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-size:11px;fill:#666}
.head{font-size:17px;fill:#222}.name{font-size:13px;font-weight:bold;fill:#222}
.grid{stroke:#e4e4e4;stroke-width:1}.axis{stroke:#999;stroke-width:1}
.load{fill:none;stroke-width:1;stroke-opacity:.6;stroke-linejoin:round}
.mean{fill:none;stroke:#1a1a1a;stroke-width:2.5;stroke-linejoin:round}`

// SVG draws the load of each server over time, one panel for each result. All
// panels have the same axes, so that they can be compared.
func SVG(w io.Writer, c Config, results []*Result) error {
	columns := min(2, max(1, len(results)))
	rows := (len(results) + columns - 1) / columns
	width := columns*(marginLeft+panelWidth) + (columns+1)*gap
	width = max(width, 2*gap+760) // the header needs it
	height := header + rows*(marginTop+panelHeight+marginBelow) + gap

	top := 1.0
	for _, r := range results {
		for _, loads := range append(r.Series.Loads, r.Series.Mean) {
			for _, l := range loads {
				top = max(top, l)
			}
		}
	}
	d := &drawing{minutes: float64(c.Hours) * 60, step: niceStep(top)}
	d.top = math.Ceil(top/d.step) * d.step

	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, width, height, width, height)
	d.printf(`<title>Load of %d simulated servers</title><style>%s</style>`, c.Servers, style)
	d.printf(`<rect width="%d" height="%d" rx="6" fill="#fff"/>`, width, height)
	d.header(c, results)
	for i, r := range results {
		x := gap + i%columns*(marginLeft+panelWidth+gap) + marginLeft
		y := header + i/columns*(marginTop+panelHeight+marginBelow) + marginTop
		d.panel(c, r, float64(x), float64(y))
	}
	d.printf("</svg>\n")
	_, err := w.Write(d.Bytes())
	return err
}

type drawing struct {
	bytes.Buffer
	minutes   float64 // how many the x axis has
	top, step float64 // of the y axis
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.Buffer, format+"\n", args...) }

// niceStep returns the distance of the ticks of an axis up to top.
func niceStep(top float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(top/5)))
	for _, m := range []float64{1, 2, 5} {
		if top/(m*unit) <= 6 {
			return m * unit
		}
	}
	return 10 * unit
}

func (d *drawing) header(c Config, results []*Result) {
	d.printf(`<text class="head" x="%d" y="32">Load of each server over time</text>`, gap)
	d.printf(`<text x="%d" y="52">%s</text>`, gap, escape(c.String()))
	x := gap
	entry := func(line, text string) {
		d.printf(line, x, x+22)
		d.printf(`<text x="%d" y="80">%s</text>`, x+28, text)
		x += 28 + 7*len(text) + 12
	}
	if len(results) > 0 {
		for i, sh := range results[0].Shares {
			entry(`<line class="load" style="stroke-width:2" stroke="`+colour(i)+`" x1="%d" y1="76" x2="%d" y2="76"/>`,
				fmt.Sprintf("server of weight %v", sh.Weight))
		}
	}
	entry(`<line class="mean" x1="%d" y1="76" x2="%d" y2="76"/>`, "fleet")
	d.printf(`<rect x="%d" y="70" width="22" height="12" fill="#f3f5f7"/>`, x)
	d.printf(`<text x="%d" y="80">minutes 5 to 45, which count</text>`, x+28)
}

func colour(i int) string { return lineColours[i%len(lineColours)] }

// panel draws one result. x and y are the upper left corner of its plot.
func (d *drawing) panel(c Config, r *Result, x, y float64) {
	px := func(minute float64) float64 { return x + minute/d.minutes*panelWidth }
	py := func(load float64) float64 { return y + panelHeight - load/d.top*panelHeight }
	bottom := y + panelHeight

	d.printf(`<g><title>%s: %s</title>`, escape(r.Policy), escape(r.About))
	d.printf(`<text class="name" x="%g" y="%g">%s</text>`, x, y-22, escape(r.Policy))
	d.printf(`<text x="%g" y="%g">worst/mean %.2f here, %.2f ± %.2f over all seeds</text>`, x, y-7, r.Seeds[0], r.Ratio.Mean, r.Ratio.StdErr)
	for hour := range c.Hours {
		from, to := px(float64(hour)*60+sampleFrom.Minutes()), px(float64(hour)*60+sampleTo.Minutes())
		d.printf(`<rect x="%.1f" y="%g" width="%.1f" height="%d" fill="#f3f5f7"/>`, from, y, to-from, panelHeight)
	}
	for i := 0; float64(i)*d.step <= d.top+d.step/2; i++ {
		load := float64(i) * d.step
		d.printf(`<line class="grid" x1="%g" y1="%.1f" x2="%g" y2="%.1f"/>`, x, py(load), x+panelWidth, py(load))
		d.printf(`<text x="%g" y="%.1f" text-anchor="end">%v</text>`, x-8, py(load)+4, load)
	}
	d.printf(`<line class="axis" x1="%g" y1="%g" x2="%g" y2="%g"/>`, x, bottom, x+panelWidth, bottom)
	for m := 0.0; m <= d.minutes; m += 15 * float64((c.Hours+1)/2) {
		d.printf(`<line class="axis" x1="%.1f" y1="%g" x2="%.1f" y2="%g"/>`, px(m), bottom, px(m), bottom+4)
		d.printf(`<text x="%.1f" y="%g" text-anchor="middle">%v</text>`, px(m), bottom+16, m)
	}
	d.printf(`<text x="%g" y="%g" text-anchor="middle">minutes past the hour</text>`, x+panelWidth/2, bottom+32)
	d.printf(`<text transform="translate(%g %g) rotate(-90)" text-anchor="middle">attendees / weight</text>`, x-44, y+panelHeight/2)

	line := func(attributes string, loads []float64) {
		d.WriteString(`<polyline ` + attributes + ` points="`)
		for i, l := range loads {
			if i > 0 {
				d.WriteByte(' ')
			}
			at := strconv.AppendFloat(d.AvailableBuffer(), px(float64(i)*r.Series.Every), 'f', 1, 64)
			at = strconv.AppendFloat(append(at, ','), py(l), 'f', 1, 64)
			d.Write(at)
		}
		d.WriteString("\"/>\n")
	}
	for s, loads := range r.Series.Loads {
		for i, sh := range r.Shares {
			if sh.Weight == r.Series.Weights[s] {
				line(`class="load" stroke="`+colour(i)+`"`, loads)
			}
		}
	}
	line(`class="mean"`, r.Series.Mean)
	d.printf(`</g>`)
}
