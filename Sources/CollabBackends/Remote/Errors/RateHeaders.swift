internal import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ResponseHead {
    /// What the server says is left of its limits; `nil` if it says nothing that can be used.
    ///
    /// OpenAI and most others write `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, Anthropic
    /// `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`, older gateways `x-ratelimit-remaining` and the
    /// like for requests alone.
    var allowance: RateAllowance? {
        let now = Double(time(nil))
        func quota(_ field: (String) -> String) -> RateAllowance.Quota? {
            guard let remaining = self[field("remaining")].flatMap(Double.init), remaining >= 0,
                remaining.isFinite,
                let reset = self[field("reset")].flatMap({ durationUntilReset($0, now: now) })
            else { return nil }
            let limit = self[field("limit")].flatMap(Double.init)
            return RateAllowance.Quota(remaining: remaining, limit: limit, reset: reset)
        }
        let allowance = RateAllowance(
            requests: quota { "x-ratelimit-\($0)-requests" } ?? quota { "anthropic-ratelimit-requests-\($0)" }
                ?? quota { "x-ratelimit-\($0)" },
            tokens: quota { "x-ratelimit-\($0)-tokens" } ?? quota { "anthropic-ratelimit-tokens-\($0)" }
        )
        return allowance == RateAllowance() ? nil : allowance
    }
}

/// How long until a reset that is written as a duration (`6m0s`, `20ms`, `1h2m3.5s`), as seconds, as seconds since 1970,
/// or as a moment in the form of RFC 3339; `nil` for anything else.
func durationUntilReset(_ text: String, now: Double) -> Duration? {
    let seconds: Double
    if let number = Double(text) {
        // No limit lasts for decades, so that many seconds are a date.
        seconds = number > 1e9 ? number - now : number
        if number < 0 { return nil }
    } else if let moment = secondsSince1970(rfc3339: text) {
        seconds = moment - now
    } else if let sum = secondsOfUnits(text) {
        seconds = sum
    } else {
        return nil
    }
    return seconds.isFinite && seconds < 1e12 ? .seconds(max(seconds, 0)) : nil
}

/// The seconds of a text such as `1h2m3.5s` or `20ms`.
private func secondsOfUnits(_ text: String) -> Double? {
    let units: [Substring: Double] = [
        "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9,
    ]
    var rest = Substring(text)
    var sum = 0.0
    while !rest.isEmpty {
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = rest.dropFirst(digits.count).prefix { !$0.isNumber && $0 != "." }
        guard let value = Double(digits), let size = units[unit] else { return nil }
        sum += value * size
        rest = rest.dropFirst(digits.count + unit.count)
    }
    return text.isEmpty ? nil : sum
}

/// Seconds since 1970 of a moment such as `2026-11-27T01:02:03.5Z` or `2026-11-27T01:02:03+01:00` in some years.
func secondsSince1970(rfc3339 text: String, years: ClosedRange<Int> = 1970...9999) -> Double? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes[4] == 0x2d, bytes[7] == 0x2d, [0x54, 0x74, 0x20].contains(bytes[10]),
        bytes[13] == 0x3a, bytes[16] == 0x3a
    else { return nil }
    func number(_ range: Range<Int>) -> Int? {
        guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(String(decoding: bytes[range], as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
        let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
        years.contains(year), (1...12).contains(month), (1...31).contains(day),
        (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    var place = 19
    if bytes[place] == 0x2e {
        place += 1
        while place < bytes.count, (0x30...0x39).contains(bytes[place]) { place += 1 }
    }
    let fraction = Double("0" + String(decoding: bytes[19..<place], as: UTF8.self)) ?? 0
    var offset = 0
    switch bytes[place...].first {
    case 0x5a, 0x7a:
        guard place + 1 == bytes.count else { return nil }
    case 0x2b, 0x2d:
        guard bytes.count == place + 6, bytes[place + 3] == 0x3a,
            let hours = number(place + 1..<place + 3), let minutes = number(place + 4..<place + 6)
        else { return nil }
        offset = (bytes[place] == 0x2b ? 60 : -60) * (hours * 60 + minutes)
    default: return nil
    }
    let days = daysSince1970(year, month, day)
    return Double(((days * 24 + hour) * 60 + minute) * 60 + second - offset) + fraction
}
