/**
 * The bound that the door is measured against: Fastify with one route for a notebook and one for a list of 100, each one
 * prepared statement, without token, checks or links. Started by bench/http.ts with the service's database.
 */

import fastify from 'fastify'
import pg from 'pg'

const [host, port] = process.argv.slice(2)
const pool = new pg.Pool({ host, port: Number(port), user: 'fieldbook', database: 'fieldbook', max: 16 })
const app = fastify()

const ONE = { name: 'one', text: 'select * from notebooks where id = $1 and application_id = $2' }
const LIST = { name: 'list', text: 'select * from notebooks where application_id = $1 order by name, id limit 100' }

app.get('/applications/:applicationId/notebooks/:notebookId', async ({ params }) => {
  const { rows } = await pool.query({ ...ONE, values: [params.notebookId, params.applicationId] })
  return rows[0]
})
app.get('/applications/:applicationId/notebooks', async ({ params }) => {
  const { rows } = await pool.query({ ...LIST, values: [params.applicationId] })
  return { items: rows, count: rows.length }
})

console.log(`bare at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
