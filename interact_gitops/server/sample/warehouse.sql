-- The sample warehouse: a shop for outdoor sports that advertises in four countries, 400 days long.
--
-- Every figure is drawn from md5 of its own key, so the same anchor date gives the same rows on every machine and
-- with every number of threads. Money is rounded to cents as it is made: sums are then exact in any order.
-- Stories (age 1 is the last day) are told in campaigns.story and products.story and carried out below.

create macro draw(key) as (md5_number_lower(key) % 1000003) / 1000003.0;          -- [0, 1)
create macro noise(key, width) as 1 + width * (draw(key) + draw(key || '~') - 1);  -- triangular, mean 1

create table meta as select $generator as generator, $anchor::date as anchor_date;

create temp table days as
  select d::date as date, date_diff('day', d, $anchor::date) as age,
    [1.06, 1.04, 1.02, 1.0, 0.94, 0.90, 1.04][isodow(d)]                        -- Monday first; weekends differ
      * (1 + 0.07 * cos(2 * pi() * (dayofyear(d) - 335) / 365.25)) as season     -- highest at the start of December
  from generate_series($anchor::date - 400, $anchor::date - 1, interval 1 day) as g(d);

create table campaigns as
  select * from (values
  --  id              subject           name                              channel     market  status     budget  target story        clicks  cpc   cvr    aov
    ('CMP-2026-001', 'northpeak',      'Brand | Netherlands',             'search',   'NL', 'active',     185.0, 8.0, 'steady',        305, 0.62, 0.066,  84.0),
    ('CMP-2026-002', 'running shoes',  'Running shoes | Germany',         'search',   'DE', 'active',     525.0, 3.5, 'roas_drop',     450, 0.98, 0.041,  96.0),
    ('CMP-2026-003', 'trail running',  'Trail running | Netherlands',     'search',   'NL', 'active',     250.0, 3.0, 'steady',        260, 0.94, 0.036, 102.0),
    ('CMP-2026-004', 'outdoor outlet', 'Outlet | Germany',                'search',   'DE', 'active',     145.0, 2.5, 'no_conversions',190, 0.74, 0.034,  61.0),
    ('CMP-2026-005', 'outdoor gear',   'Shopping | France',               'shopping', 'FR', 'active',     340.0, 3.0, 'growth',        460, 0.58, 0.029,  79.0),
    ('CMP-2026-006', 'outdoor gear',   'Shopping | Netherlands',          'shopping', 'NL', 'active',     225.0, 3.5, 'steady',        410, 0.55, 0.031,  81.0),
    ('CMP-2026-007', 'outdoor gear',   'Shopping | Germany',              'shopping', 'DE', 'active',     390.0, 3.5, 'over_budget',   590, 0.66, 0.030,  88.0),
    ('CMP-2026-008', 'northpeak',      'Brand | Germany',                 'search',   'DE', 'active',     225.0, 8.0, 'steady',        345, 0.64, 0.061,  89.0),
    ('CMP-2026-009', 'winter jackets', 'Winter jackets | Belgium',        'search',   'BE', 'active',     130.0, 2.5, 'winter',        120, 0.92, 0.027, 139.0),
    ('CMP-2026-010', 'hiking',         'Generic hiking | France',         'search',   'FR', 'active',     215.0, 2.5, 'growth',        215, 0.79, 0.030,  92.0),
    ('CMP-2026-011', 'northpeak',      'Remarketing | Netherlands',       'display',  'NL', 'active',      67.5, 4.0, 'under_budget',  215, 0.31, 0.019,  86.0),
    ('CMP-2026-012', 'summer sale',    'Summer sale | Belgium',           'search',   'BE', 'paused',     150.0, 2.5, 'ended',         165, 0.71, 0.030,  66.0)
  ) as c(campaign_id, subject, name, channel, market, status, daily_budget, target_roas, story, clicks, cpc, cvr, aov);

create table ad_groups as
  select replace(c.campaign_id, 'CMP', 'AG') || '-' || n as ad_group_id, c.campaign_id,
    c.name || ' | ' || ['Men', 'Women', 'Kids', 'Brands', 'Offers', 'Generic'][n] as name, n as position
  from campaigns c, range(1, 7) r(n);

create table keywords as
  select a.ad_group_id || '-K' || k as keyword_id, a.ad_group_id, a.campaign_id,
    concat_ws(' ',
      ['buy', 'best', 'cheap', 'lightweight', 'waterproof', 'new', 'women''s', 'durable'][k],
      c.subject,
      ['online', 'sale', 'store', 'brands', 'deals', 'review'][a.position]) as text,
    ['exact', 'phrase', 'broad'][1 + (k + a.position) % 3] as match_type,
    (2 + floor(9 * sqrt(draw(a.ad_group_id || 'q' || k))))::integer as quality_score,
    round(c.cpc * (1.3 + draw(a.ad_group_id || 'm' || k)), 2)::decimal(6, 2) as max_cpc
  from ad_groups a join campaigns c using (campaign_id), range(1, 9) r(k);

-- A campaign's clicks are shared among its 48 keywords: the first of each group has the most.
create temp table plan as
  select k.keyword_id, k.ad_group_id, k.campaign_id, k.quality_score, c.story, c.channel,
    c.clicks * share / sum(share) over (partition by k.campaign_id) as usual_clicks,
    c.cpc * (1.25 - k.quality_score / 30.0) as cpc, c.cvr * (0.75 + k.quality_score / 28.0) as cvr, c.aov
  from (select *, (0.4 + draw(keyword_id)) / right(keyword_id, 1)::integer as share from keywords) k
  join campaigns c using (campaign_id);

create temp table moved as
  select p.*, d.date, d.age, p.keyword_id || d.date as key,
    p.usual_clicks * d.season * noise(p.keyword_id || d.date, 0.35) * case
      when story = 'growth' then exp(-d.age / 210.0) * 1.25
      when story = 'winter' then 0.45 + 0.75 * (1 + cos(2 * pi() * (dayofyear(d.date) - 350) / 365.25)) / 2
      when story = 'over_budget' and d.age <= 20 then 1.34
      when story = 'under_budget' and d.age <= 30 then 0.62
      when story = 'ended' and d.age < 60 then 0
      else 1 end as wished_clicks,
    p.cpc * case when story = 'roas_drop' and d.age <= 10 then 1.18 else 1 end as day_cpc,
    p.cvr * case
      when story = 'roas_drop' and d.age <= 10 then 0.42
      when story = 'no_conversions' and d.age <= 21 then 0
      else 1 end as day_cvr
  from plan p, days d;

create table keyword_daily as
  select date, campaign_id, ad_group_id, keyword_id,
    (clicks * (16 + 30 * draw(key || 'i')) * case channel when 'display' then 6 when 'shopping' then 2 else 0.6 end)
      ::integer + clicks as impressions,
    clicks,
    round(clicks * day_cpc * noise(key || 'c', 0.2), 2)::decimal(12, 2) as cost,
    conversions,
    round(conversions * aov * noise(key || 'r', 0.3), 2)::decimal(12, 2) as revenue
  from (
    select *, floor(clicks * day_cvr * noise(key || 'v', 0.3) + draw(key || 'w'))::integer as conversions
    from (select *, floor(wished_clicks + draw(key || 'f'))::integer as clicks from moved)
  )
  where clicks > 0 order by date, keyword_id;
create table daily_performance as
  select date, campaign_id, ad_group_id, sum(impressions)::bigint as impressions, sum(clicks)::bigint as clicks,
    sum(cost)::decimal(12, 2) as cost, sum(conversions)::bigint as conversions, sum(revenue)::decimal(12, 2) as revenue
  from keyword_daily group by all order by date, ad_group_id;

-- What people typed: 90 days. Some words cost money and never sell.
create table search_terms as
  select date, campaign_id, ad_group_id, search_term, clicks + (clicks * 9 * noise(key || 'i', 0.5))::integer as impressions,
    clicks, round(clicks * cpc * noise(key || 'c', 0.2), 2)::decimal(12, 2) as cost,
    case when wasteful then 0 else floor(clicks * cvr + draw(key || 'w'))::integer end as conversions,
    case when wasteful then 0
      else round(floor(clicks * cvr + draw(key || 'w')) * aov * noise(key || 'r', 0.3), 2) end::decimal(12, 2) as revenue
  from (
    select d.date, c.campaign_id, a.ad_group_id, a.ad_group_id || t.word || d.date as key, c.cpc, c.cvr * 1.15 as cvr, c.aov,
      c.subject || ' ' || t.word || ' ' || lower(split_part(a.name, ' | ', 3)) as search_term,
      t.wasteful and c.story != 'ended' as wasteful,
      floor(c.clicks / 72.0 * t.weight * d.season * noise(a.ad_group_id || t.word || d.date, 0.9)
        + draw(a.ad_group_id || t.word || d.date || 'f'))::integer as clicks
    from ad_groups a join campaigns c using (campaign_id), days d,
      (values ('sale', 1.2, false), ('size guide', 0.5, false), ('online', 1.1, false), ('store near me', 0.6, false),
              ('next day delivery', 0.8, false), ('best rated', 1.0, false), ('free', 0.5, true), ('jobs', 0.3, true),
              ('second hand', 0.6, true), ('repair', 0.4, true)) as t(word, weight, wasteful)
    where d.age <= 90 and (c.story != 'ended' or d.age >= 60)
  )
  where clicks > 0 order by date, ad_group_id, search_term;

create table products as
  select 'PRD-' || lpad(n::varchar, 3, '0') as product_id,
    line || ' ' || kind as name, category, (price + 10 * (n % 4))::decimal(8, 2) as price,
    round(0.28 + 0.24 * draw('margin' || n), 3)::decimal(4, 3) as margin_rate,
    case n when 43 then 'returns_rise' when 38 then 'best_seller' else 'steady' end as story
  from (
    select row_number() over (order by category, kind, line) as n, * from
      (values ('Glide'), ('Summit'), ('Fjord'), ('Ridge'), ('Drift')) l(line),
      (values ('Running Shoe', 'Footwear', 109), ('Trail Shoe', 'Footwear', 119), ('Hiking Boot', 'Footwear', 149),
              ('Rain Jacket', 'Outerwear', 139), ('Down Jacket', 'Outerwear', 179), ('Fleece', 'Outerwear', 69),
              ('Base Layer', 'Apparel', 39), ('Running Tights', 'Apparel', 49), ('T-Shirt', 'Apparel', 29),
              ('Daypack', 'Equipment', 79), ('Tent', 'Equipment', 229), ('Headlamp', 'Equipment', 35)) k(kind, category, price)
  );

create table orders as
  select 'ORD-' || lpad((row_number() over (order by date, market, n))::varchar, 7, '0') as order_id, date as order_date,
    'CUS-' || lpad(case when comes_back then (draw(key || 'k') * 9000)::integer
                        else 9001 + (md5_number_lower(key || 'k') % 900000)::integer end::varchar, 6, '0') as customer_id,
    case when comes_back then 'returning' else 'new' end as customer_type, market,
    case when c < 0.44 then 'paid search' when c < 0.66 then 'organic' when c < 0.84 then 'direct' else 'email' end as channel,
    1 + floor(2.6 * draw(key || 'l') * draw(key || 'm'))::integer as lines, key
  from (
    select d.date, m.market, n, d.date || m.market || n as key, draw(d.date || m.market || n || 'c') as c,
      draw(d.date || m.market || n || 't') < 0.31 + 0.07 * (400 - d.age) / 400 as comes_back
    from days d, (values ('DE', 66, 0), ('NL', 52, 0), ('FR', 44, 1), ('BE', 17, 0)) as m(market, orders, growing), range(1, 161) r(n)
    where n <= m.orders * d.season * noise(d.date || m.market, 0.12) * if(m.growing = 1, exp(-d.age / 210.0) * 1.25, 1)
  ) order by order_id;

create table order_lines as
  select order_id, line, order_date, market, product_id, quantity, round(quantity * price * paid, 2)::decimal(12, 2) as revenue,
    returned, case when returned then
      case when story = 'returns_rise' then ['too small', 'too small', 'sole came loose'] else ['too small', 'too large', 'changed my mind'] end
      [1 + floor(3 * draw(key || 'why'))::integer] end as return_reason
  from (
    select o.order_id, o.line, o.order_date, o.market, o.key, p.product_id, p.price, p.story,
      1 + (draw(o.key || 'q') < 0.12)::integer as quantity, if(draw(o.key || 's') < 0.2, 0.85, 1.0) as paid,
      draw(o.key || 'ret') < case
        when p.story = 'returns_rise' and date_diff('day', o.order_date, $anchor::date) <= 45
          then 0.12 + 0.26 * (45 - date_diff('day', o.order_date, $anchor::date)) / 45.0
        when p.category = 'Footwear' then 0.12 when p.category = 'Apparel' then 0.09
        when p.category = 'Outerwear' then 0.10 else 0.04 end as returned
    from (select order_id, order_date, market, line, key || line as key from orders, range(1, 4) r(line) where line <= lines) o
    join products p on p.product_id = 'PRD-' || lpad((case
      when draw(o.key || 'b') < 0.05 then 38 when draw(o.key || 'b') < 0.10 then 43
      else 1 + floor(60 * pow(draw(o.key || 'p'), 1.3))::integer end)::varchar, 3, '0')
  ) order by order_id, line;

create or replace table orders as
  select o.order_id, o.order_date, o.customer_id, o.customer_type, o.market, o.channel,
    sum(l.quantity)::integer as items, sum(l.revenue)::decimal(12, 2) as revenue,
    coalesce(sum(l.revenue) filter (l.returned), 0)::decimal(12, 2) as returned_revenue
  from orders o join order_lines l using (order_id) group by all order by order_id;

-- What the generator needed and a warehouse would not have.
alter table campaigns drop column story; alter table campaigns drop column subject; alter table campaigns drop column clicks; alter table campaigns drop column cpc;
alter table campaigns drop column cvr; alter table campaigns drop column aov;
alter table campaigns alter daily_budget type decimal(10, 2); alter table campaigns alter target_roas type decimal(5, 2);
alter table ad_groups drop column position; alter table products drop column story;
drop macro noise; drop macro draw;
