// Search in the reference: sections that have all the words stay, the others and their entries in the menu are hidden.
const input = document.querySelector('#search')
const found = document.querySelector('#found')
const menu = document.querySelector('nav details')
const sections = [...document.querySelectorAll('.operation, .component')].map((element) => ({
  element,
  entry: document.querySelector(`nav a[href="#${CSS.escape(element.id)}"]`)?.closest('li'),
  // What an operation is about, not all of its tables.
  text: [...element.querySelectorAll('h3, .path, :scope > p')].map((part) => part.textContent).join(' ').toLowerCase(),
}))

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
  let count = 0
  for (const { element, entry, text } of sections) {
    const fits = words.every((word) => text.includes(word))
    element.hidden = !fits
    if (entry) entry.hidden = !fits
    if (fits) count += 1
  }
  for (const group of document.querySelectorAll('.group, #schemas, nav .tag'))
    group.hidden = words.length > 0 && !group.querySelector('.operation:not([hidden]), .component:not([hidden]), li:not([hidden])')
  document.querySelector('#about').hidden = words.length > 0
  found.value = words.length > 0 ? `${count} found` : ''
}

input.addEventListener('input', search)
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && event.target !== input) {
    event.preventDefault()
    input.focus()
  }
  if (event.key === 'Escape' && event.target === input) {
    input.value = ''
    search()
  }
})

// A link of the page shows what it leads to, also when the search has hidden it.
addEventListener('hashchange', () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (!target?.closest('[hidden]')) return
  input.value = ''
  search()
  target.scrollIntoView()
})

// On a small screen the menu is in the way; on paper everything is open.
const narrow = matchMedia('(width < 60rem)')
const fold = () => {
  menu.open = !narrow.matches
}
narrow.addEventListener('change', fold)
fold()
menu.addEventListener('click', (event) => {
  if (narrow.matches && event.target.closest('a')) menu.open = false
})
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('main details')) details.open = true
})
search()
