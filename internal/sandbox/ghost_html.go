package sandbox

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Ghost turns incoming HTML into its own document format and back, so only what that format knows
// survives. These are the elements that matter for posts.
var (
	ghostElements = map[atom.Atom]bool{
		atom.P: true, atom.Br: true, atom.A: true, atom.Strong: true, atom.B: true, atom.Em: true, atom.I: true,
		atom.U: true, atom.S: true, atom.Code: true, atom.Pre: true, atom.Blockquote: true, atom.Ul: true, atom.Ol: true,
		atom.Li: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
		atom.Hr: true, atom.Figure: true, atom.Figcaption: true, atom.Img: true,
	}
	ghostDropped = map[atom.Atom]bool{
		atom.Script: true, atom.Style: true, atom.Iframe: true, atom.Object: true, atom.Embed: true, atom.Template: true,
		atom.Noscript: true, atom.Svg: true, atom.Math: true, atom.Head: true, atom.Title: true, atom.Textarea: true,
	}
	ghostAttributes = map[string]bool{"href": true, "src": true, "alt": true, "title": true}
	ghostBlocks     = map[atom.Atom]bool{
		atom.P: true, atom.Pre: true, atom.Blockquote: true, atom.Li: true, atom.Figure: true, atom.Hr: true,
		atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true,
	}
)

// ghostStoredHTML gives what Ghost keeps of incoming HTML: scripts and their like are gone, unknown
// elements leave their content, attributes other than links' and images' are gone.
func ghostStoredHTML(source string) string {
	stored := ghostStored{}
	for _, node := range parseFragment(source) {
		stored.write(node)
	}
	return stored.String()
}

// ghostStored is stored HTML as it is written.
type ghostStored struct {
	strings.Builder
	// card says that an HTML card is open, in which everything stays as it is. Here only videos do, besides what does
	// elsewhere: the pages of the sandbox show it.
	card bool
}

func parseFragment(source string) []*html.Node {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(source), body)
	if err != nil {
		return nil // a reader of a string does not fail, and HTML parsing has no syntax errors
	}
	return nodes
}

func (out *ghostStored) write(node *html.Node) {
	comment := strings.TrimSpace(node.Data)
	switch {
	case node.Type == html.CommentNode && (comment == "kg-card-begin: html" || comment == "kg-card-end: html"):
		out.card = comment == "kg-card-begin: html"
		out.WriteString("<!--" + comment + "-->")
		return
	case node.Type == html.TextNode:
		out.WriteString(html.EscapeString(node.Data))
		return
	case node.Type != html.ElementNode || ghostDropped[node.DataAtom]:
		return
	}
	video := out.card && node.DataAtom == atom.Video
	known := ghostElements[node.DataAtom] || video
	if known {
		out.WriteString("<" + node.Data)
		for _, attribute := range node.Attr {
			if (ghostAttributes[attribute.Key] || video && attribute.Key == "controls") && safeAttribute(attribute) {
				out.WriteString(" " + attribute.Key + `="` + html.EscapeString(attribute.Val) + `"`)
			}
		}
		out.WriteString(">")
	}
	for child := range node.ChildNodes() {
		out.write(child)
	}
	if known && node.DataAtom != atom.Br && node.DataAtom != atom.Hr && node.DataAtom != atom.Img {
		out.WriteString("</" + node.Data + ">")
	}
}

// safeAttribute keeps links of the usual kinds only, since the sandbox shows the HTML on its pages.
func safeAttribute(attribute html.Attribute) bool {
	if attribute.Key != "href" && attribute.Key != "src" {
		return true
	}
	value := strings.ToLower(strings.TrimSpace(attribute.Val))
	for _, prefix := range []string{"https://", "http://", "mailto:", "/", "#"} {
		if strings.HasPrefix(value, prefix) {
			return true
		}
	}
	return false
}

// textOf gives the text of stored HTML, paragraphs separated by an empty line.
func textOf(source string) string {
	var out strings.Builder
	var walk func(*html.Node)
	walk = func(node *html.Node) {
		if ghostDropped[node.DataAtom] {
			return
		}
		if node.Type == html.TextNode {
			out.WriteString(node.Data)
		}
		if node.DataAtom == atom.Br {
			out.WriteString("\n")
		}
		for child := range node.ChildNodes() {
			walk(child)
		}
		if ghostBlocks[node.DataAtom] {
			out.WriteString("\n\n")
		}
	}
	for _, node := range parseFragment(source) {
		walk(node)
	}
	return strings.TrimSpace(out.String())
}

// shownFile is an image or a video that HTML shows.
type shownFile struct{ url, alt string }

// shownFiles lists the images and videos that HTML shows, in order.
func shownFiles(source string) []shownFile {
	files := []shownFile{}
	document, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return files // a reader of a string does not fail, and HTML parsing has no syntax errors
	}
	for node := range document.Descendants() {
		if node.DataAtom != atom.Img && node.DataAtom != atom.Video {
			continue
		}
		var file shownFile
		for _, attribute := range node.Attr {
			switch attribute.Key {
			case "src":
				file.url = attribute.Val
			case "alt", "title":
				file.alt = attribute.Val
			}
		}
		files = append(files, file)
	}
	return files
}
