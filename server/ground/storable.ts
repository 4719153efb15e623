/** Text that PostgreSQL and JSON files can hold. What comes from people is refused with its field named instead. */

/** NUL and halves of surrogate pairs replaced by U+FFFD, everything else as it was. */
export const storableText = (text: string) => text.replaceAll('\u0000', '\uFFFD').toWellFormed()

/** Whether text can be stored as it is. */
export const isStorable = (text: string) => !text.includes('\u0000') && text.isWellFormed()
