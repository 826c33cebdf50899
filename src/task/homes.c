/* homes.c: see homes.h. The lock is held while a mail is posted, so that a shard that closes is not written to behind its
 * end; nothing on a request's way comes here. */
#include "task/homes.h"
#include "loop/loop.h"
#include <errno.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mailbox *homes[HOMES_MAX];
static uint32_t next_home; /* numbers are used again as late as can be: handles of the one before are stale */

int leat__home_open(struct mailbox *mailbox)
{
    int found = -ENFILE;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < HOMES_MAX && found < 0; i++) {
        uint32_t home = (next_home + i) % HOMES_MAX;
        if (homes[home] == NULL) {
            homes[home] = mailbox;
            next_home = (home + 1) % HOMES_MAX;
            found = (int)home;
        }
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void leat__home_close(int home)
{
    pthread_mutex_lock(&lock);
    homes[home] = NULL;
    pthread_mutex_unlock(&lock);
}

int leat__home_post(uint32_t home, const struct mail *mail)
{
    int result = -ESRCH;
    pthread_mutex_lock(&lock);
    if (home < HOMES_MAX && homes[home] != NULL)
        result = leat__loop_post(homes[home], mail);
    pthread_mutex_unlock(&lock);
    return result;
}
