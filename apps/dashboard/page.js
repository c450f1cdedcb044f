"use strict";
// Everything is set as text: what others wrote can never become markup.
const EVERY_MS = 2500;
const $ = (id) => document.getElementById(id);
const won = (value) => value === null || value === undefined ? "모름" : Math.round(value).toLocaleString("ko-KR") + "원";
const signed = (value) => value === null || value === undefined ? "모름" : (value > 0 ? "+" : "") + won(value);
const percent = (value) => value === null || value === undefined ? "모름" : value.toFixed(2) + "%";

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
function pairs(list, entries) {
  list.replaceChildren(...entries.map(([name, value, kind]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value, kind));
    return pair;
  }));
}
function lines(id, entries, empty) {
  const list = $(id);
  if (!entries.length && empty) entries = [[empty, "faint"]];
  list.replaceChildren(...entries.map(([text, kind]) => element("li", text, kind)));
}
function colour(value) { return value > 0 ? "up" : value < 0 ? "down" : ""; }

function showRisk(risk, document_) {
  pairs($("risk"), [
    ["당일 실현 손익", signed(risk.realised_pnl), colour(risk.realised_pnl)],
    ["계좌 평가손익", signed(risk.evaluation_pnl), colour(risk.evaluation_pnl)],
    ["총자산", won(risk.equity)],
    ["현금", won(risk.cash)],
    ["고점 대비 낙폭", percent(risk.drawdown_pct), risk.drawdown_pct >= 7 ? "error" : ""],
    ["시작 자산", won(risk.start_equity)],
    ["킬 스위치", risk.kill_switch || document_.switch || "꺼짐", risk.kill_switch || document_.switch ? "error" : ""],
    ["거래일", document_.session_date || "없음"],
  ]);
}
function showEquity(points) {
  const svg = $("equity");
  svg.replaceChildren();
  if (points.length < 2) { $("range").textContent = "총자산 기록이 아직 없습니다."; return; }
  const values = points.map((point) => point[1]);
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", values.map((value, place) =>
    (place / (values.length - 1) * 600).toFixed(1) + "," + (155 - (value - low) / span * 150).toFixed(1)).join(" "));
  svg.append(line);
  $("range").textContent = points[0][0].slice(0, 16) + " ~ " + points[points.length - 1][0].slice(0, 16)
    + " · 최저 " + won(low) + " · 최고 " + won(high);
}
function showPositions(positions) {
  const cards = positions.map((held) => {
    const card = element("div", undefined, "card");
    card.append(element("h3", held.name));
    const facts = element("dl");
    pairs(facts, [
      ["수량", held.quantity.toLocaleString("ko-KR") + "주"],
      ["평균가", won(held.average)],
      ["마지막 판단의 가격", won(held.last), held.last ? colour(held.last - held.average) : ""],
      ["손절가", won(held.stop)],
      ["손절까지", percent(held.stop_distance_pct), held.stop_distance_pct !== null && held.stop_distance_pct < 2 ? "error" : ""],
      ["익절가", won(held.take)],
      ["최고가", won(held.highest) + (held.is_trailing ? " (트레일링)" : "")],
      ["진입", held.entry_session],
    ]);
    card.append(facts);
    if (held.last) {
      const bar = element("div", undefined, "bar"), mark = element("i");
      const place = (held.last - held.stop) / (held.take - held.stop) * 100;
      mark.style.left = Math.max(0, Math.min(99, place)) + "%";
      bar.title = "왼쪽 끝이 손절가, 오른쪽 끝이 익절가";
      bar.append(mark);
      card.append(bar);
    }
    return card;
  });
  $("positions").replaceChildren(...(cards.length ? cards : [element("p", "보유 종목이 없습니다.", "faint")]));
}
function show(state) {
  $("banner").textContent = state.banner;
  $("account").textContent = "계좌 " + state.account;
  document.title = state.banner + " · kr_trade";
  $("trouble").hidden = !state.trouble;
  $("trouble").textContent = state.trouble ? state.trouble + (state.read_at ? " — 아래는 " + state.read_at + "에 읽은 내용입니다." : "") : "";
  $("switch").hidden = !state.switch;
  $("switch").textContent = state.switch ? "킬 스위치가 켜져 있습니다: " + state.switch : "";
  const alive = state.alive_s;
  pairs($("health"), [
    ["매매 프로그램", alive === null ? "신호 없음" : alive < 120 ? "살아 있음 (" + Math.round(alive) + "초 전)" : Math.round(alive / 60) + "분 전 신호", alive === null || alive >= 120 ? "warning" : ""],
    ["시세", state.feed || "모름"],
    ["마지막 판단", state.last_decision || "없음"],
    ["마지막 잔고 확인", state.last_snapshot || "없음"],
  ]);
  lines("troubles", state.troubles.map((line) => [line.at + " " + line.text, line.level]), "최근 경고와 오류가 없습니다.");
  lines("log", state.log.map((line) => [line.at + " " + line.text, line.level]), "로그가 없습니다.");
  if (!state.risk) return;
  showRisk(state.risk, state);
  showEquity(state.equity);
  showPositions(state.positions);
  lines("orders", state.orders.map((order) => [order.at.slice(11) + " " + order.name + " " + order.side + " "
    + order.filled + "/" + order.quantity + "주 " + order.status + " · " + order.reason + " · " + order.order_id, ""]), "주문이 없습니다.");
  lines("waiting", state.waiting.map((text) => [text, "warning"]));
  lines("decisions", state.decisions.map((told) => [told.at.slice(5) + " " + told.name + " " + told.action + " · "
    + told.reason + (told.last ? " · " + won(told.last) : ""), ""]), "판단이 없습니다.");
}
async function look() {
  const link = $("link");
  try {
    const answer = await fetch("/api/state", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    show(state);
    link.textContent = state.now + " 현재";
    link.className = "now";
  } catch (error) {
    link.textContent = "연결 끊김: 아래는 마지막으로 받은 내용입니다.";
    link.className = "lost";
  }
  setTimeout(look, EVERY_MS);
}
look();
