//! Words that mean the same to somebody who looks for a tool: general verbs and nouns of software and of
//! daily life. Not of any one server: a list that fits some tools would mislead about others.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::stem;

/// A line has words that stand for each other; a word may be in several lines.
const GROUPS: &str = "
    folder directory dir
    file document doc
    path location filename
    disk filesystem drive
    delete remove erase drop destroy discard forget purge unlink
    find search locate lookup look query seek
    create make new build generate establish
    add append insert put include
    add sum plus addition total calculate calculator
    subtract minus difference
    multiply times product
    get fetch retrieve obtain return give
    get read load
    read open load view see
    show display view print present list get
    list enumerate ls show
    write save store put record persist
    edit modify change update alter replace revise patch
    change modification edit
    move rename relocate mv transfer
    copy duplicate clone replicate
    send post deliver submit
    email mail inbox
    message chat msg
    notify alert notification
    compare diff difference
    image picture photo logo icon screenshot
    audio sound recording voice
    video movie clip
    media image audio video photo picture
    time clock hour
    date day today
    current now today present
    timezone zone
    city town place location
    convert translate transform
    history log past
    log logging logger
    switch toggle checkout change
    enable disable toggle turn
    compress zip gzip pack archive
    environment env variable
    setting config configuration preference option variable
    number integer digit value
    person people human user somebody individual
    user account member
    author creator owner
    employee worker colleague staff
    company organization business
    customer client buyer
    entity node object item thing
    item entry element record
    relation link connection edge relationship
    connect link join relate attach associate
    disconnect unlink detach
    fact observation note information knowledge
    remember memory memorize store save recall
    know knowledge memory
    run execute start launch trigger invoke
    start begin launch trigger initiate
    stop cancel end kill abort terminate halt
    finish complete end done
    several multiple many bulk batch
    big bigger biggest large larger largest size
    small smaller smallest tiny little
    long longest length
    short shortest brief
    slow long
    permission allow permit access grant
    tree structure hierarchy nested
    repeat echo
    error failure exception bug crash
    issue ticket bug
    review approve feedback
    web internet online website site
    url link address uri
    page article post
    weather temperature forecast climate
    price cost amount
    pay payment charge
    cheap cheapest price
    invoice bill receipt
    buy purchase order
    sell sale
    schedule calendar event meeting appointment
    task todo job
    job operation process work
    database db table sql
    row record
    column field property
    function method procedure
    code source program script
    repository repo project codebase
    commit revision version changeset
    revert undo reset restore rollback unstage
    index staging stage staged
    branch fork
    server host machine
    upload push
    download pull fetch
    install setup deploy
    login authenticate signin auth
    password secret credential key token
    info metadata detail property attribute information stat statistics
    text string content
    content inside contents body
    beginning head first top
    last tail bottom end
    last latest recent newest
    previous earlier prior
    topic subject theme
    investigate research study explore examine analyze
    summarize summary digest
    answer reply respond response
    question ask query
    team group
    subscribe follow watch subscription subscriber
    pattern glob regex wildcard
    whole entire complete all everything
    pending unfinished open
    count number quantity
    sort order rank
    filter select choose
    check verify validate test
    random shuffle
    translate language
    drive travel route
    book reserve reservation
    hotel lodging
    flight plane
    restaurant food
    music song track
    contact address phone
    call phone dial
";

static MEANINGS: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut meanings: HashMap<String, Vec<String>> = HashMap::new();
    for group in GROUPS.lines() {
        let stems: Vec<String> = group.split_ascii_whitespace().map(stem).collect();
        for stem in &stems {
            let meant = meanings.entry(stem.clone()).or_default();
            let others = stems.iter().filter(|other| *other != stem);
            meant.extend(others.cloned());
        }
    }
    meanings
});

/// The stems of the words that mean what the word of this stem may mean.
pub(super) fn synonyms(stem: &str) -> impl Iterator<Item = &'static str> {
    let meant = MEANINGS.get(stem).into_iter().flatten();
    meant.map(String::as_str)
}
