/* floor_epoll.c: the pure floor on epoll: the denominator of every ratio that bench/run prints.
 *
 * Edge-triggered and registered once, so a request costs its share of epoll_wait, one recv and one send, and nothing
 * else. A receive that does not fill the buffer has emptied the socket: whatever comes later makes a new edge, so no
 * second receive is needed to hear EAGAIN. */
#define _GNU_SOURCE
#include "floor.h"
#include <sys/epoll.h>

static char received[FLOOR_RECEIVE];

static void accept_all(struct floor *floor, int epoll)
{
    int fd;
    while ((fd = accept4(floor->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= FLOOR_DESCRIPTORS) {
            close(fd);
            continue;
        }
        floor->rest[fd] = 0;
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            floor_die("epoll_ctl");
    }
}

static void serve(struct floor *floor, int fd)
{
    ssize_t n;
    do {
        n = recv(fd, received, sizeof received, 0);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN)
                close(fd);
            return;
        }
        size_t owed = floor_owed(floor, fd, (size_t)n);
        if (owed > 0 && send(fd, floor->answers, owed, MSG_NOSIGNAL) != (ssize_t)owed) {
            close(fd);
            return;
        }
    } while (n == sizeof received);
}

int main(int argc, char **argv)
{
    static struct floor floor;
    floor_open(&floor, argc, argv, SOCK_NONBLOCK);
    int epoll = epoll_create1(0);
    struct epoll_event events[256] = {{.events = EPOLLIN, .data.fd = floor.listener}};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, floor.listener, events) < 0)
        floor_die("epoll");
    for (;;) {
        int count = epoll_wait(epoll, events, sizeof events / sizeof events[0], -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == floor.listener)
                accept_all(&floor, epoll);
            else
                serve(&floor, events[i].data.fd);
        }
    }
}
