internal import CCurl
internal import Collab

/// The one thread on which all transfers of a transport happen, off Swift's cooperative pool.
///
/// It sleeps in the kernel until a socket, a time limit or a command wakes it; with nothing to do it does not wake at
/// all. It keeps going until told to stop.
final class TransportLoop: Sendable {
    enum Command: Sendable {
        case start(Transfer)
        /// Go on after a pause.
        case resume(Transfer)
        /// End it, and its connection, now.
        case remove(Transfer)
        /// Its time limits have changed.
        case look(Transfer)
        case stop
    }

    private struct Mailbox: Sendable {
        var commands: [Command] = []
        var turns = 0
    }

    // libcurl allows waking a loop from any thread; everything else is done on the loop's own.
    private nonisolated(unsafe) let handle: OpaquePointer
    private let mailbox = Protected(Mailbox())
    let settings: TransportSettings
    let environment: TransportEnvironment

    init(settings: TransportSettings) throws(CollabError) {
        guard let handle = collab_curl_loop_create() else {
            throw CollabError(
                .memoryLimit,
                "libcurl could not be set up; there is probably too little memory."
            )
        }
        self.handle = handle
        self.settings = settings
        environment = TransportEnvironment(settings: settings)
        let context = Unmanaged.passRetained(self)
        let status = collab_curl_thread_start(
            { context in
                guard let context else { return }
                let loop = Unmanaged<TransportLoop>.fromOpaque(context).takeRetainedValue()
                LoopThread(loop: loop, handle: loop.handle).run()
            },
            context.toOpaque()
        )
        if status != 0 {
            context.release()
            collab_curl_loop_destroy(handle)
            throw CollabError(.inputOutput, "The network thread could not be started (error \(status)).")
        }
    }

    /// Gives the thread something to do.
    func post(_ command: Command) {
        mailbox.withLock { mailbox in
            mailbox.commands.append(command)
            // One wake-up covers all commands that arrive before the thread has looked. It is sent under the lock: the
            // thread cannot see a stop, after which the handle is gone, before it has been woken for it.
            if mailbox.commands.count == 1 { collab_curl_loop_wake(handle) }
        }
    }

    fileprivate func takeCommands() -> [Command] {
        mailbox.withLock { mailbox in
            mailbox.turns += 1
            defer { mailbox.commands = [] }
            return mailbox.commands
        }
    }

    /// How often the thread has woken up.
    var turnCount: Int { mailbox.withLock { $0.turns } }
}

/// What only the loop's own thread touches.
private final class LoopThread {
    typealias Instant = ContinuousClock.Instant

    let loop: TransportLoop
    let handle: OpaquePointer
    var active: [ObjectIdentifier: ActiveTransfer] = [:]
    private var queued: [Transfer] = []
    private var nextLook: Instant?

    init(loop: TransportLoop, handle: OpaquePointer) {
        self.loop = loop
        self.handle = handle
    }

    func run() {
        while true {
            for command in loop.takeCommands() {
                if case .stop = command { return stop() }
                perform(command)
            }
            startQueued()
            look()
            if !collab_curl_loop_turn(handle, milliseconds()) { failAll() }
        }
    }

    private func perform(_ command: TransportLoop.Command) {
        switch command {
        case .start(let transfer):
            queued.append(transfer)
            lookNoLater(than: transfer)
        case .resume(let transfer):
            if let active = active[ObjectIdentifier(transfer)] { collab_curl_transfer_resume(active.handle) }
        case .remove(let transfer):
            remove(transfer)
        case .look(let transfer):
            lookNoLater(than: transfer)
        case .stop:
            break
        }
    }

    private func startQueued() {
        var taken = 0
        while taken < queued.count, active.count < loop.settings.maximumTransfers {
            start(queued[taken])
            taken += 1
        }
        queued.removeFirst(taken)
    }

    private func start(_ transfer: Transfer) {
        guard transfer.started() else { return }
        let entry = ActiveTransfer(transfer, thread: self)
        guard let handle = loop.environment.add(transfer.request, to: handle, callbacks: entry.callbacks)
        else {
            transfer.finished(.connection(ConnectionFailure(.badAddress, "libcurl refused the request.")))
            return
        }
        entry.handle = handle
        active[ObjectIdentifier(transfer)] = entry
        lookNoLater(than: transfer)
    }

    private func remove(_ transfer: Transfer) {
        if let entry = active.removeValue(forKey: ObjectIdentifier(transfer)) {
            collab_curl_loop_remove(handle, entry.handle)
        }
    }

    private func stop() {
        let entries = active.values
        active = [:]
        for entry in entries {
            collab_curl_loop_remove(handle, entry.handle)
            entry.transfer.finished(.cancelled)
        }
        for transfer in queued { transfer.finished(.cancelled) }
        collab_curl_loop_destroy(handle)
    }

    private func failAll() {
        for entry in Array(active.values) {
            remove(entry.transfer)
            entry.transfer.finished(.connection(ConnectionFailure(.other, "libcurl's loop failed.")))
        }
    }

    // MARK: Time

    /// Sees to it that a transfer's limits are looked at in time.
    func lookNoLater(than transfer: Transfer) {
        guard let next = transfer.nextTick(after: .now) else { return }
        nextLook = min(nextLook ?? next, next)
    }

    private func look() {
        let now = ContinuousClock.now
        guard let due = nextLook, now >= due else { return }
        nextLook = nil
        for entry in Array(active.values) {
            if entry.transfer.tick(at: now) == .stop { remove(entry.transfer) }
        }
        for transfer in queued { _ = transfer.tick(at: now) }
        let all = active.values.lazy.map(\.transfer)
        let times = all.compactMap { $0.nextTick(after: now) } + queued.compactMap { $0.nextTick(after: now) }
        // A look at all transfers is cheap, but not so cheap that it may be had more than every few milliseconds.
        nextLook = times.min().map { max($0, now.advanced(by: .milliseconds(2))) }
    }

    private func milliseconds() -> Int32 {
        guard !active.isEmpty || !queued.isEmpty, let nextLook else { return .max }
        let left = nextLook - .now
        if left <= .zero { return 0 }
        let (seconds, attoseconds) = left.components
        if seconds > 1_000_000 { return 1_000_000_000 }
        return Int32(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}

/// A transfer that libcurl is working on; the context of its callbacks.
private final class ActiveTransfer {
    let transfer: Transfer
    unowned let thread: LoopThread
    // Set right after libcurl has made it, before any callback can come.
    var handle: OpaquePointer!

    init(_ transfer: Transfer, thread: LoopThread) {
        self.transfer = transfer
        self.thread = thread
    }

    private static func from(_ context: UnsafeMutableRawPointer) -> ActiveTransfer {
        Unmanaged<ActiveTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    var callbacks: collab_curl_callbacks {
        collab_curl_callbacks(
            sending: { context in
                let entry = ActiveTransfer.from(context)
                let verdict = entry.transfer.sending()
                entry.thread.lookNoLater(than: entry.transfer)
                return verdict == .goOn
            },
            header: { context, bytes, count in
                let line = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
                return ActiveTransfer.from(context).transfer.header(line) == .goOn
            },
            body: { context, bytes, count in
                let piece = UnsafeBufferPointer(start: bytes, count: count)
                switch ActiveTransfer.from(context).transfer.body(piece) {
                case .goOn: return COLLAB_CURL_ACCEPT
                case .pause: return COLLAB_CURL_PAUSE
                case .stop: return COLLAB_CURL_ABORT
                }
            },
            finished: { context, ending, detail in
                let entry = ActiveTransfer.from(context)
                entry.thread.active[ObjectIdentifier(entry.transfer)] = nil
                entry.transfer.finished(TransferFailure(ending, detail: String(cString: detail)))
            },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }
}

extension TransferFailure {
    /// What libcurl's ending means; `nil` for success.
    fileprivate init?(_ ending: collab_curl_ending, detail: String) {
        let kind: ConnectionFailure.Kind
        switch ending {
        case COLLAB_CURL_DONE: return nil
        case COLLAB_CURL_TIMED_OUT:
            self = .timeout(.connect)
            return
        case COLLAB_CURL_BAD_ADDRESS: kind = .badAddress
        case COLLAB_CURL_NOT_RESOLVED: kind = .notResolved
        case COLLAB_CURL_NOT_CONNECTED: kind = .notConnected
        case COLLAB_CURL_NOT_TRUSTED: kind = .notTrusted
        case COLLAB_CURL_BROKEN: kind = .broken
        case COLLAB_CURL_CUT_SHORT: kind = .cutShort
        case COLLAB_CURL_NOT_HTTP: kind = .notHTTP
        case COLLAB_CURL_BAD_ENCODING: kind = .badEncoding
        case COLLAB_CURL_OUT_OF_MEMORY: kind = .outOfMemory
        default: kind = .other
        }
        self = .connection(ConnectionFailure(kind, detail))
    }
}
