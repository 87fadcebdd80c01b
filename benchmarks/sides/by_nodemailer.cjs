// The same mail by nodemailer with a pool of four connections; prints its seconds.
const [folder, port, count] = process.argv.slice(2);
const nodemailer = require(`${folder}/node_modules/nodemailer`);
const pool = nodemailer.createTransport({
  pool: true, host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true,
  maxConnections: 4, maxMessages: Infinity,
});
const one = (n) => {
  const link = `https://shop.example/u/${String(n).padStart(120, "0")}`;
  return pool.sendMail({
    from: "Shop <shop@shop.example>", to: `c${n}@example.invalid`, subject: `Hello Name ${n}`,
    messageId: `<nodemailer-${n}@shop.example>`,
    list: { unsubscribe: link },
    headers: { "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" },
    text: `Dear Name ${n},\nyour last visit was on February 2, 2024, and you have spent €${n % 90}.50.\n${link}\n`,
    html: `<p>Dear <b>Name ${n}</b>,</p><p>your last visit was on February 2, 2024, and\nyou have spent €${n % 90}.50.</p><a href="${link}">No more mail</a>\n`,
  });
};
(async () => {
  const before = process.hrtime.bigint();
  let next = 0;
  const worker = async () => { while (next < Number(count)) await one(next++); };
  await Promise.all(Array.from({ length: 8 }, worker));
  console.log(Number(process.hrtime.bigint() - before) / 1e9);
  pool.close();
})();
