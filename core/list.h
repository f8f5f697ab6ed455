/* SPDX-License-Identifier: Apache-2.0
 *
 * list.h - circular doubly linked lists whose links live inside the members.
 *
 * A list head and a link are the same struct.  A link that is on no list points
 * to itself, so list_remove is safe to repeat.  Nothing here allocates.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

#define container_of(pointer, type, field)                                                \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

/* The body must not remove the member it is at; list_each_safe may. */
#define list_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)
#define list_each_safe(at, head)                                                          \
    for (struct list *at = (head)->next, *at##_next = at->next; at != (head);             \
         at = at##_next, at##_next = at->next)

static inline void
list_init(struct list *head)
{
    head->prev = head->next = head;
}

static inline bool
list_empty(const struct list *head)
{
    return head->next == head;
}

static inline struct list *
list_last(const struct list *head) /* NULL when empty */
{
    return list_empty(head) ? NULL : head->prev;
}

static inline void
list_insert(struct list *before, struct list *link)
{
    link->prev = before->prev;
    link->next = before;
    before->prev->next = link;
    before->prev = link;
}

static inline void
list_push(struct list *head, struct list *link) /* at the end */
{
    list_insert(head, link);
}

static inline void
list_push_front(struct list *head, struct list *link)
{
    list_insert(head->next, link);
}

static inline void
list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

static inline struct list *
list_first(const struct list *head) /* NULL when empty */
{
    return list_empty(head) ? NULL : head->next;
}

/* Moves all of from to the end of to. */
static inline void
list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
