import BridgeModel
import LinuxIO
import PeerTransport

/// Datagrams that reached another worker than their peer's: the kernel spreads 5-tuples over the workers' sockets without knowing whose they are.
///
/// The receiving worker copies them into a parcel for each owner and posts it at the end of its turn, so that a turn costs one lock and one
/// allocation, however many datagrams there are. Answers leave through the owner's own socket, which has the same port.
struct DatagramParcel: Sendable {
    private struct Entry {
        var tuple: FiveTuple
        var count: Int
    }

    /// More than this is not handed over at once.
    static let capacity = 256 * 1024

    /// The worker that received them.
    let receiver: Int
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    init(receiver: Int) { self.receiver = receiver }

    var isEmpty: Bool { entries.isEmpty }

    /// Copies a datagram in; false when the parcel is full.
    mutating func append(_ datagram: UnsafeRawBufferPointer, tuple: FiveTuple) -> Bool {
        guard bytes.count + datagram.count <= Self.capacity else { return false }
        bytes.append(contentsOf: datagram)
        entries.append(Entry(tuple: tuple, count: datagram.count))
        return true
    }

    /// Lends each datagram, which may be changed, in the order of arrival.
    mutating func forEachDatagram(_ body: (UnsafeMutableRawBufferPointer, FiveTuple) -> Void) {
        let entries = entries
        bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            for entry in entries {
                body(UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + entry.count]), entry.tuple)
                start += entry.count
            }
        }
    }
}

/// Where a worker notes whose datagrams it receives for others, and collects them. Checks tell their owner by their fragment; everything else by its
/// 5-tuple, which the owner claims when it has validated it. So strangers cannot fill the table.
struct EdgeExchange: ~Copyable {
    let worker: Int
    private let mailboxes: [Mailbox]
    private var parcels: [DatagramParcel]
    /// Owners of 5-tuples that arrive here.
    private var claims: FiveTupleTable
    /// Which worker received the datagrams that are looked at now; nil for this one.
    var arriving: Int?
    /// Receivers of 5-tuples that are owned here and arrive elsewhere.
    private var receivers: [FiveTuple: Int] = [:]

    init(worker: Int, mailboxes: [Mailbox], capacity: Int) {
        self.worker = worker
        self.mailboxes = mailboxes
        parcels = mailboxes.indices.map { _ in DatagramParcel(receiver: worker) }
        var random = SystemRandomNumberGenerator()
        // Without others nothing is claimed.
        claims = FiveTupleTable(capacity: mailboxes.count > 1 ? capacity : 1, using: &random)
    }

    /// The worker that a stream lives on.
    func home(of stream: StreamID) -> Int { stream.home(among: mailboxes.count) }

    /// The worker that a check with this fragment belongs to, if it is another one.
    func owner(of ufrag: LocalUfrag) -> Int? {
        let owner = ufrag.worker
        return owner != worker && mailboxes.indices.contains(owner) ? owner : nil
    }

    /// The worker that has claimed this 5-tuple.
    func owner(of tuple: FiveTuple) -> Int? { claims.value(of: tuple).map { Int($0) } }

    /// Keeps a datagram for its owner; a full parcel leaves at once, since a burst may be longer.
    mutating func hand(_ datagram: UnsafeRawBufferPointer, on tuple: FiveTuple, to owner: Int) -> Bool {
        if parcels[owner].append(datagram, tuple: tuple) { return true }
        deliver(to: owner)
        return parcels[owner].append(datagram, tuple: tuple)
    }

    /// Gives a connection away, which the caller forgets. When its worker has ended, it is closed.
    func hand(_ connection: EdgeConnection, unread: DatagramParcel, to owner: Int) {
        let handed = HandedConnection(
            connection: connection.connection, tuple: connection.tuple, watch: connection.watch, unread: unread)
        _ = mailboxes[owner].post(.edge(.connection(handed)))
    }

    /// Sends what was kept.
    mutating func deliver() {
        for owner in parcels.indices where !parcels[owner].isEmpty { deliver(to: owner) }
    }

    private mutating func deliver(to owner: Int) {
        _ = mailboxes[owner].post(.edge(.datagrams(parcels[owner])))
        parcels[owner] = DatagramParcel(receiver: worker)
    }

    /// A path was validated here: who receives its datagrams, if it is another worker, is told to hand them on.
    mutating func claim(_ tuple: FiveTuple) {
        guard let receiver = arriving, receiver != worker else { return }
        receivers[tuple] = receiver
        _ = mailboxes[receiver].post(.edge(.claim(tuple, owner: worker)))
    }

    /// A path is over here.
    mutating func release(_ tuple: FiveTuple) {
        guard let receiver = receivers.removeValue(forKey: tuple) else { return }
        _ = mailboxes[receiver].post(.edge(.release(tuple, owner: worker)))
    }

    /// Another worker owns this 5-tuple from now on.
    mutating func accept(_ tuple: FiveTuple, owner: Int) { _ = claims.set(UInt32(truncatingIfNeeded: owner), for: tuple) }

    /// It does no more.
    mutating func forget(_ tuple: FiveTuple, owner: Int) {
        if self.owner(of: tuple) == owner { claims.remove(tuple) }
    }
}
