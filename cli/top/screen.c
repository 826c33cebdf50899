/* screen.c: the terminal, by ncurses. See top.h. */
#define _XOPEN_SOURCE_EXTENDED 1
#include "top.h"
#include <curses.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static short colours[TOP_STYLES] = {
    [TOP_GOOD] = COLOR_GREEN, [TOP_WARN] = COLOR_YELLOW, [TOP_ALARM] = COLOR_RED};

bool leat__top_screen_open(void)
{
    if (newterm(NULL, stdout, stdin) == NULL)
        return false;
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        for (int style = 1; style < TOP_STYLES; style++)
            init_pair((short)style, colours[style] != 0 ? colours[style] : (short)-1, -1);
    }
    return true;
}

void leat__top_screen_close(void)
{
    endwin();
}

void leat__top_screen_size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

/* Whatever means something is bold or reverse too: colours are not for everybody. */
static attr_t attributes_of(unsigned style)
{
    static const attr_t extra[TOP_STYLES] = {
        [TOP_HEADING] = A_BOLD, [TOP_DIM] = A_DIM, [TOP_WARN] = A_BOLD, [TOP_ALARM] = A_BOLD | A_REVERSE};
    return extra[style];
}

void leat__top_screen_show(const struct top_sheet *s)
{
    erase();
    for (int r = 0; r < s->rows; r++) {
        for (int c = 0; c < s->columns; c++) {
            const struct top_cell *cell = &s->cells[r][c];
            attr_set(attributes_of(cell->style), has_colors() ? (short)cell->style : 0, NULL);
            mvaddstr(r, c, cell->text);
        }
    }
    refresh();
}

int leat__top_screen_key(void)
{
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    int key = getch();
    if (key != ERR)
        return key == KEY_RESIZE ? 'R' : key;
    poll(&terminal, 1, 0);
    return terminal.revents & (POLLHUP | POLLERR | POLLNVAL) ? -1 : 0;
}
