#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ResponseHead {
    /// How long the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
    ///
    /// Values without sense (negative, in the past, not a number) count as none.
    var retryAfter: Duration? {
        if let text = self["retry-after-ms"], let value = Double(text), value >= 0, value.isFinite {
            return .milliseconds(min(value, 1e15))
        }
        guard let text = self["retry-after"] else { return nil }
        if let seconds = Double(text) {
            return seconds >= 0 && seconds.isFinite ? .seconds(min(seconds, 1e12)) : nil
        }
        guard let date = secondsSince1970(httpDate: text) else { return nil }
        let left = date - Int(time(nil))
        return left > 0 ? .seconds(left) : nil
    }

    /// What `x-should-retry` says.
    var advisesRetry: Bool? {
        switch self["x-should-retry"]?.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// The server's identifier of the request.
    var requestID: String? { self["x-request-id"] ?? self["request-id"] }
}

/// Seconds since 1970 of a date such as `Wed, 21 Oct 2015 07:28:00 GMT` (RFC 9110, IMF-fixdate).
func secondsSince1970(httpDate text: String) -> Int? {
    let parts = text.split(whereSeparator: { " ,:".contains($0) })
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard parts.count == 8, parts[7] == "GMT",
        let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])),
        let year = Int(parts[3]),
        let hour = Int(parts[4]), let minute = Int(parts[5]), let second = Int(parts[6]),
        (1...31).contains(day), (1970...9999).contains(year), (0...23).contains(hour),
        (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    return ((daysSince1970(year, month + 1, day) * 24 + hour) * 60 + minute) * 60 + second
}

/// Days since 1970 of a date of the civil calendar, counting years from March so that leap days come last.
func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month < 3 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
}
