/* plot.c: the paper: its style, headings, and texts. Colours are told apart by people who see red and green alike, and have 4.5 to 1
 * against their paper, or 3 to 1 where they are lines. Plain rules stand before those for the dark, for converters know no other. */
#include "plot/paper.h"
#include "base/json_text.h"

static const char style[] =
    "<style>\n"
    ".plot text{font-family:system-ui,-apple-system,\"Segoe UI\",\"DejaVu "
    "Sans\",sans-serif;font-size:12px;fill:#57534e}\n"
    ".plot .paper{fill:#fffefb}\n"
    ".plot .title{font-size:17px;font-weight:600;fill:#1c1917}\n"
    ".plot .subtitle{font-size:13px;fill:#57534e}\n"
    ".plot .name,.plot .figure{fill:#1c1917}\n"
    ".plot .figure{font-variant-numeric:tabular-nums}\n"
    ".plot .grid{stroke:#e7e5e0;stroke-width:1;fill:none}\n"
    ".plot .axis{stroke:#a8a29e;stroke-width:1;fill:none}\n"
    ".plot .mark{stroke:#57534e;stroke-width:1;stroke-dasharray:2 3;fill:none}\n"
    ".plot .line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}\n"
    ".plot .dashed{stroke-dasharray:6 5}\n"
    ".plot .whisker{fill:none;stroke-width:1.5;opacity:.75}\n"
    ".plot .bar-whisker{fill:none;stroke:#1c1917;stroke-width:1.25}\n"
    ".plot .dot{stroke:#fffefb;stroke-width:1.5}\n"
    ".plot .s0{stroke:#1f5fa8}.plot .f0{fill:#1f5fa8}\n"
    ".plot .s1{stroke:#c2570c}.plot .f1{fill:#c2570c}\n"
    ".plot .s2{stroke:#0f7f6b}.plot .f2{fill:#0f7f6b}\n"
    ".plot .s3{stroke:#8a3f9e}.plot .f3{fill:#8a3f9e}\n"
    ".plot .s4{stroke:#9a7400}.plot .f4{fill:#9a7400}\n"
    ".plot .s5{stroke:#b3254f}.plot .f5{fill:#b3254f}\n"
    ".plot .s6{stroke:#4d6b1f}.plot .f6{fill:#4d6b1f}\n"
    ".plot .s7{stroke:#57534e}.plot .f7{fill:#57534e}\n"
    "@media (prefers-color-scheme:dark){\n"
    ".plot text{fill:#b5b0a8}\n"
    ".plot .paper{fill:#191817}\n"
    ".plot .title,.plot .name,.plot .figure{fill:#f5f3ef}\n"
    ".plot .subtitle{fill:#b5b0a8}\n"
    ".plot .grid{stroke:#33302d}.plot .axis{stroke:#6b665f}.plot .mark{stroke:#b5b0a8}\n"
    ".plot .dot{stroke:#191817}.plot .bar-whisker{stroke:#f5f3ef}\n"
    ".plot .s0{stroke:#6fb0f2}.plot .f0{fill:#6fb0f2}\n"
    ".plot .s1{stroke:#f59a56}.plot .f1{fill:#f59a56}\n"
    ".plot .s2{stroke:#4fc9b0}.plot .f2{fill:#4fc9b0}\n"
    ".plot .s3{stroke:#cf92e0}.plot .f3{fill:#cf92e0}\n"
    ".plot .s4{stroke:#dcb84a}.plot .f4{fill:#dcb84a}\n"
    ".plot .s5{stroke:#f2839f}.plot .f5{fill:#f2839f}\n"
    ".plot .s6{stroke:#a3c46a}.plot .f6{fill:#a3c46a}\n"
    ".plot .s7{stroke:#b5b0a8}.plot .f7{fill:#b5b0a8}\n"
    "}\n"
    "</style>\n";

/* As XML has it; what XML can't have at all, and what is no UTF-8's beginning, is a question mark. */
void leat__plot_escape(FILE *to, const char *text)
{
    static const char marks[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    const char *end = text + strlen(text), *found;
    while (text < end) {
        size_t size;
        if (!leat__utf8_take(text, (size_t)(end - text), &size) || (unsigned char)*text < ' ')
            fputc('?', to);
        else if (size == 1 && (found = strchr(marks, *text)) != NULL)
            fputs(names[found - marks], to);
        else
            fwrite(text, 1, size, to);
        text += size;
    }
}

double leat__plot_text_width(const char *text)
{
    size_t characters = 0;
    for (; *text != '\0'; text++)
        characters += ((unsigned char)*text & 0xc0) != 0x80;
    return (double)characters * PLOT_CHARACTER;
}

void leat__plot_text(FILE *to, double x, double y, const char *class, const char *anchor, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
    leat__plot_escape(to, text);
    fputs("</text>\n", to);
}

void leat__plot_begin(FILE *to, int height, const char *title, const char *subtitle, const char *about)
{
    static unsigned number; /* ids of one page must differ */
    unsigned id = ++number;
    fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" viewBox=\"0 0 %d "
        "%d\" width=\"%d\" "
        "height=\"%d\" aria-labelledby=\"plot%u-title plot%u-about\">\n<title id=\"plot%u-title\">",
        PLOT_WIDTH, height, PLOT_WIDTH, height, id, id, id);
    leat__plot_escape(to, title);
    fprintf(to, "</title>\n<desc id=\"plot%u-about\">", id);
    leat__plot_escape(to, about != NULL ? about : title);
    fputs("</desc>\n", to);
    fputs(style, to);
    fprintf(to, "<rect class=\"paper\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", PLOT_WIDTH, height);
    leat__plot_text(to, 24, 34, "title", "start", title);
    if (subtitle != NULL)
        leat__plot_text(to, 24, 55, "subtitle", "start", subtitle);
}

void leat__plot_end(FILE *to)
{
    fputs("</svg>\n", to);
}
