import Foundation

/// Limits what the process may use from now on, and measures it.
struct ProcessMeter {
    private let start = clock()
    private let resident: Int

    /// - Parameters:
    ///   - path: the file whose size the memory may grow by, and 64 MiB.
    ///   - patience: a factor of the times; the memory is then not limited.
    init(path: String, patience: Int?) {
        Self.limitTime(seconds: 2 * (patience ?? 1))
        #if os(Linux)
            if patience == nil { Self.limitMemory(to: Self.size(of: path) + 64 << 20) }
        #endif
        resident = Self.resetPeak()
    }

    /// Sets the peak back to what is resident now, and returns that.
    static func resetPeak() -> Int {
        #if os(Linux)
            try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        #endif
        return status("VmRSS")
    }

    /// A size that the system tells about the process, in bytes; 0 where it tells none.
    static func status(_ name: String) -> Int {
        #if os(Linux)
            let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 << 10 } ?? 0
        #else
            return 0
        #endif
    }

    /// The milliseconds of processor time and the bytes of memory at their peak since the beginning.
    func stop() -> (milliseconds: Int, bytes: Int) {
        let milliseconds = Int(clock() - start) * 1000 / Int(CLOCKS_PER_SEC)
        return (milliseconds, max(0, Self.status("VmHWM") - resident))
    }

    private static func limitTime(seconds: Int) {
        var time = itimerval()
        time.it_value.tv_sec = seconds
        #if os(Linux)
            setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &time, nil)
        #else
            setitimer(Int32(ITIMER_PROF), &time, nil)
        #endif
        alarm(UInt32(15 * seconds))
    }

    #if os(Linux)
        private static func size(of path: String) -> Int {
            var status = stat()
            guard stat(path, &status) == 0 else { return 0 }
            guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return names.reduce(0) { $0 + size(of: path + "/" + $1) }
        }

        /// Limits the private writable memory; a model's threads need stacks of 8 MiB besides.
        private static func limitMemory(to growth: Int) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
            limit.rlim_cur = rlim_t(status("VmData") + growth + 3 * 8 << 20)
            setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
        }
    #endif
}
